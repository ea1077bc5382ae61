using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using LlmGateway.Model;
using LlmGateway.Providers;

namespace LlmGateway.Resilience;

/// <summary>One connection pool per provider. A pool lives across reloads; hosts behind a changed base URL get connections of their own inside it.</summary>
/// <remarks>
/// Providers are spoken to in HTTP/1.1, a connection for each call: HTTP/2 is not even offered. What ends one connection (a provider's
/// restart, a reset, a lost packet) then ends one call and never a hundred streams that share it. A provider whose settings say
/// <c>http_version: "2"</c> gets HTTP/2: fewer connections, for servers and balancers that count them. Calls that such a server says it has
/// not taken (GOAWAY, REFUSED_STREAM) are sent again by HttpClient itself, on another connection if need be.
/// </remarks>
/// <param name="time">The clock of mocks.</param>
/// <param name="createPool">Makes a provider's pool of connections; null: one for the network.</param>
internal sealed class ProviderConnections(TimeProvider time, Func<HttpMessageHandler>? createPool = null) : IDisposable
{
    /// <summary>Set on a request for which a connection was made anew: what dies under it is no kept-open one.</summary>
    private static readonly HttpRequestOptionsKey<bool> Fresh = new("llm_gateway.fresh_connection");

    private readonly ConcurrentDictionary<string, HttpMessageInvoker> _pools = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<MockBehavior, HttpMessageInvoker> _mocks = new();
    private readonly Func<HttpMessageHandler> _createPool = createPool ?? (static () => CreateHandler());

    /// <summary>Sends one call, in the version of HTTP that the provider's settings name.</summary>
    public Task<HttpResponseMessage> SendAsync(ProviderConfig provider, HttpRequestMessage message, CancellationToken cancellationToken)
    {
        // Without TLS nothing can be negotiated: the server is known to speak it.
        (message.Version, message.VersionPolicy) = !provider.SpeaksHttp2 ? (HttpVersion.Version11, HttpVersionPolicy.RequestVersionOrLower)
            : message.RequestUri?.Scheme == Uri.UriSchemeHttps ? (HttpVersion.Version20, HttpVersionPolicy.RequestVersionOrLower)
            : (HttpVersion.Version20, HttpVersionPolicy.RequestVersionExact);
        return For(provider).SendAsync(message, cancellationToken);
    }

    /// <summary>
    /// Whether the request went out on a connection that had been kept open and that ended before any answer: the provider had closed it
    /// at that moment, and the request is sent again on another one. HttpClient does so by itself only for requests without a body.
    /// A cut in the middle of an answer's head looks the same from here; it is sent again too, once.
    /// </summary>
    public static bool DiedWhilePooled(HttpRequestMessage message, Exception exception) =>
        exception is HttpRequestException failure
        && (failure.HttpRequestError == HttpRequestError.ResponseEnded || IsReset(failure.InnerException))
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

    /// <summary>A pool for the network.</summary>
    /// <param name="resolve">Answers a name's addresses in the order in which they are tried; null: the machine's own DNS.</param>
    internal static SocketsHttpHandler CreateHandler(Func<string, CancellationToken, Task<IPAddress[]>>? resolve = null) => new()
    {
        UseProxy = false,
        UseCookies = false,
        AllowAutoRedirect = false,
        AutomaticDecompression = DecompressionMethods.None,

        // Else traceparent and baggage would go to every provider.
        ActivityHeadersPropagator = null,
        ConnectTimeout = TimeSpan.FromSeconds(5),
        ConnectCallback = (context, cancellationToken) => ConnectAsync(context, resolve ?? Dns.GetHostAddressesAsync, cancellationToken),

        // DNS changes are seen when a connection is made anew; idle ones go before a provider closes them under a request.
        PooledConnectionLifetime = TimeSpan.FromSeconds(60),
        PooledConnectionIdleTimeout = TimeSpan.FromSeconds(30),
        MaxResponseHeadersLength = 64,

        // HTTP/2 alone. A server that allows few calls at once on a connection gets more connections; one that has vanished is found out,
        // because new calls would go on joining those that wait for it.
        EnableMultipleHttp2Connections = true,
        KeepAlivePingPolicy = HttpKeepAlivePingPolicy.WithActiveRequests,
        KeepAlivePingDelay = TimeSpan.FromSeconds(15),
        KeepAlivePingTimeout = TimeSpan.FromSeconds(10),

        // A half-read reply goes on costing tokens: rather close the connection than drain it for long.
        ResponseDrainTimeout = TimeSpan.FromMilliseconds(250),
    };

    private HttpMessageInvoker For(ProviderConfig provider) => provider.Type == MockDialect.TypeName
        ? _mocks.GetOrAdd(provider.Behavior, static (behavior, clock) => new HttpMessageInvoker(new MockHandler(behavior, clock)), time)
        : _pools.GetOrAdd(provider.Name, static (_, create) => new HttpMessageInvoker(create()), _createPool);

    /// <summary>Whether the socket broke. HTTP/2 tells each call so in an exception of its own around the connection's.</summary>
    private static bool IsReset(Exception? cause) =>
        cause is IOException && (cause.InnerException is SocketException || IsReset(cause.InnerException));

    /// <summary>Asks for the name's addresses each time, and tries them in turn: one that refuses costs nothing while another accepts.</summary>
    private static async ValueTask<Stream> ConnectAsync(
        SocketsHttpConnectionContext context, Func<string, CancellationToken, Task<IPAddress[]>> resolve, CancellationToken cancellationToken)
    {
        context.InitialRequestMessage.Options.Set(Fresh, true);
        var (host, port) = (context.DnsEndPoint.Host, context.DnsEndPoint.Port);
        var addresses = IPAddress.TryParse(host, out var address) ? [address] : await resolve(host, cancellationToken);
        if (addresses.Length == 0)
        {
            throw new SocketException((int)SocketError.NoData);
        }

        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(addresses, port, cancellationToken);
            return context.InitialRequestMessage.Version.Major == 1 ? new ProviderStream(socket) : new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
