using System.Net;
using LlmGateway.Model;
using LlmGateway.Providers;

namespace LlmGateway.Resilience;

/// <summary>Asks a target's provider how many tokens a prompt is, where it has a call for that. The call costs nothing, and its failure is not held against the target.</summary>
internal sealed class PromptCounter(DialectSet dialects, ProviderConnections connections, TargetStates states, TimeProvider time)
{
    /// <summary>Longest wait for a count: an estimate at once is worth more than an exact number late.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>The provider's own count; null where it has none, or none could be had.</summary>
    public async Task<long?> CountAsync(GatewayRequest request, ProviderTarget target, CancellationToken cancellationToken)
    {
        var state = states.Of(target);
        if (!dialects.TryGet(target.Provider.Type, out var dialect) || dialect!.TokenCounter is not { } counter || state.WhyNot(CallCredentials.Of(target, request)) is not null)
        {
            return null;
        }

        using var limit = new CancellationTokenSource(target.Timeout < Patience ? target.Timeout : Patience, time);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            using var call = counter.CreateCountCall(request, target, state.Habits);
            if (call is null)
            {
                return null;
            }

            using var response = await connections.SendAsync(target.Provider, call, linked.Token);
            return response.StatusCode == HttpStatusCode.OK && await ReplyReader.ReadAllAsync(response.Content, linked.Token) is { } answer ? counter.ReadCount(answer) : null;
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException or OperationCanceledException)
        {
            cancellationToken.ThrowIfCancellationRequested();
            return null;
        }
    }
}
