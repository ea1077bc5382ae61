using System.Collections.Concurrent;
using System.Net;
using LlmGateway.Model;
using LlmGateway.Providers;

namespace LlmGateway.Resilience;

/// <summary>One connection pool per provider. A pool lives across reloads; hosts behind a changed base URL get connections of their own inside it.</summary>
internal sealed class ProviderConnections(TimeProvider time) : IDisposable
{
    private readonly ConcurrentDictionary<string, HttpMessageInvoker> _pools = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<MockBehavior, HttpMessageInvoker> _mocks = new();

    public HttpMessageInvoker For(ProviderConfig provider) => provider.Type == MockDialect.TypeName
        ? _mocks.GetOrAdd(provider.Behavior, static (behavior, clock) => new HttpMessageInvoker(new MockHandler(behavior, clock)), time)
        : _pools.GetOrAdd(provider.Name, static _ => new HttpMessageInvoker(CreateHandler()));

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

    private static SocketsHttpHandler CreateHandler() => new()
    {
        UseProxy = false,
        UseCookies = false,
        AllowAutoRedirect = false,
        AutomaticDecompression = DecompressionMethods.None,
        EnableMultipleHttp2Connections = true,

        // Else traceparent and baggage would go to every provider.
        ActivityHeadersPropagator = null,
        ConnectTimeout = TimeSpan.FromSeconds(5),

        // DNS changes are seen when a connection is made anew; idle ones go before a provider closes them under a request.
        PooledConnectionLifetime = TimeSpan.FromSeconds(90),
        PooledConnectionIdleTimeout = TimeSpan.FromSeconds(30),
        MaxResponseHeadersLength = 64,

        // A half-read reply goes on costing tokens: rather close the connection than drain it for long.
        ResponseDrainTimeout = TimeSpan.FromMilliseconds(250),
    };
}
