using LlmGateway.Api;
using LlmGateway.Model;
using LlmGateway.Resilience;

namespace LlmGateway.Admin;

/// <summary><c>GET /admin/providers</c>: asks every provider in use whether it is there, all at once and for a bounded time.</summary>
internal sealed class ProviderStatusEndpoint(ProviderProbe probe)
{
    public async Task HandleAsync(HttpContext context)
    {
        var targets = ConfiguredTargets.Of(RequestScope.Of(context).Config).ToLookup(target => target.Provider.Name);
        var entries = await Task.WhenAll(targets.Select(group => AskAsync(group.First().Provider, [.. group], context.RequestAborted)));
        await Results.Json(new ProvidersReply(entries), ProvidersJson.Default.ProvidersReply).ExecuteAsync(context);
    }

    private async Task<ProvidersReply.Entry> AskAsync(ProviderConfig provider, ProviderTarget[] targets, CancellationToken cancellationToken) =>
        ProvidersReply.Entry.From(provider, targets, await probe.AskAsync(provider, cancellationToken));
}
