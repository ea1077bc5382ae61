using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using LlmGateway.Model;
using LlmGateway.Providers;

namespace LlmGateway.Resilience;

/// <summary>One connection pool per provider. A pool lives across reloads; hosts behind a changed base URL get connections of their own inside it.</summary>
/// <remarks>
/// Providers are spoken to in HTTP/1.1, a connection for each call: each request says so, and HTTP/2 is not even offered. What ends one
/// connection (a provider's restart, a reset, a lost packet) then ends one call and never a hundred streams that share it.
/// </remarks>
/// <param name="time">The clock of mocks.</param>
/// <param name="createPool">Makes a provider's pool of connections; null: one for the network.</param>
internal sealed class ProviderConnections(TimeProvider time, Func<HttpMessageHandler>? createPool = null) : IDisposable
{
    /// <summary>Set on a request for which a connection was made anew: what dies under it is no kept-open one.</summary>
    private static readonly HttpRequestOptionsKey<bool> Fresh = new("llm_gateway.fresh_connection");

    private readonly ConcurrentDictionary<string, HttpMessageInvoker> _pools = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<MockBehavior, HttpMessageInvoker> _mocks = new();
    private readonly Func<HttpMessageHandler> _createPool = createPool ?? CreateHandler;

    public HttpMessageInvoker For(ProviderConfig provider) => provider.Type == MockDialect.TypeName
        ? _mocks.GetOrAdd(provider.Behavior, static (behavior, clock) => new HttpMessageInvoker(new MockHandler(behavior, clock)), time)
        : _pools.GetOrAdd(provider.Name, static (_, create) => new HttpMessageInvoker(create()), _createPool);

    /// <summary>
    /// Whether the request went out on a connection that had been kept open and that ended before any answer: the provider had closed it
    /// at that moment, and the request is sent again on another one. HttpClient does so by itself only for requests without a body.
    /// A cut in the middle of an answer's head looks the same from here; it is sent again too, once.
    /// </summary>
    public static bool DiedWhilePooled(HttpRequestMessage message, Exception exception) =>
        exception is HttpRequestException { HttpRequestError: HttpRequestError.ResponseEnded } or HttpRequestException { InnerException: IOException { InnerException: SocketException } }
        && !message.Options.TryGetValue(Fresh, out _);

    public void Dispose()
    {
        foreach (var pool in _pools.Values)
        {
            pool.Dispose();
        }

        foreach (var mock in _mocks.Values)
        {
            mock.Dispose();
        }
    }

    internal static SocketsHttpHandler CreateHandler() => new()
    {
        UseProxy = false,
        UseCookies = false,
        AllowAutoRedirect = false,
        AutomaticDecompression = DecompressionMethods.None,

        // Else traceparent and baggage would go to every provider.
        ActivityHeadersPropagator = null,
        ConnectTimeout = TimeSpan.FromSeconds(5),
        ConnectCallback = ConnectAsync,

        // DNS changes are seen when a connection is made anew; idle ones go before a provider closes them under a request.
        PooledConnectionLifetime = TimeSpan.FromSeconds(60),
        PooledConnectionIdleTimeout = TimeSpan.FromSeconds(30),
        MaxResponseHeadersLength = 64,

        // A half-read reply goes on costing tokens: rather close the connection than drain it for long.
        ResponseDrainTimeout = TimeSpan.FromMilliseconds(250),
    };

    private static async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        context.InitialRequestMessage.Options.Set(Fresh, true);
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(context.DnsEndPoint, cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
