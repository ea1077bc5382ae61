using LlmGateway.Model;
using LlmGateway.Providers;

namespace LlmGateway.Resilience;

/// <summary>Looks whether something speaks HTTP at a provider's address. It sends no key, so that any answer will do, a refusal too.</summary>
internal sealed class ProviderProbe(ProviderConnections connections, TimeProvider time)
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(3);

    public async Task<Reachability> AskAsync(ProviderConfig provider, CancellationToken cancellationToken)
    {
        if (provider.Type == MockDialect.TypeName)
        {
            return default;
        }

        if (provider.BaseUrl is not { } url)
        {
            return new("no_base_url", TimeSpan.Zero);
        }

        using var limit = new CancellationTokenSource(Limit, time);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, limit.Token);
        var start = time.GetTimestamp();
        try
        {
            using var message = new HttpRequestMessage(HttpMethod.Get, url);
            using var response = await connections.SendAsync(provider, message, linked.Token);
            return new(null, time.GetElapsedTime(start));
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return new("timeout", time.GetElapsedTime(start));
        }
        catch (HttpRequestException)
        {
            return new("connection", time.GetElapsedTime(start));
        }
    }
}
