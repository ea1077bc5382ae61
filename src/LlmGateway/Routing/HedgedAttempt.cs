using LlmGateway.Model;
using LlmGateway.Resilience;

namespace LlmGateway.Routing;

/// <summary>An attempt that may lose a race: it can be ended without ending the request.</summary>
internal sealed class HedgedAttempt : IDisposable
{
    private readonly CancellationTokenSource _cancellation;

    /// <param name="target">Who is called.</param>
    /// <param name="role">What for.</param>
    /// <param name="started">Time stamp of now.</param>
    /// <param name="begin">Makes the call.</param>
    /// <param name="cancellationToken">The client's.</param>
    public HedgedAttempt(ProviderTarget target, AttemptRole role, long started, Func<CancellationToken, Task<AttemptResult>> begin, CancellationToken cancellationToken)
    {
        (Target, Role, Started) = (target, role, started);
        _cancellation = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Outcome = begin(_cancellation.Token);
    }

    public ProviderTarget Target { get; }

    public AttemptRole Role { get; }

    public long Started { get; }

    public Task<AttemptResult> Outcome { get; }

    /// <summary>The attempt has won: what could end it lives as long as its stream.</summary>
    public void LiveOnWith(HttpResponseMessage response)
    {
        if (response.Content is StreamedReply stream)
        {
            stream.DisposesToo(_cancellation);
        }
        else
        {
            _cancellation.Dispose();
        }
    }

    /// <summary>The attempt has lost: its connection closes, and what it cost is known when this returns.</summary>
    public async ValueTask EndAsync()
    {
        _cancellation.Cancel();

        // Cancelled, as it was told; or failed in a way that nobody expects, which must not keep the others from being ended.
        await ((Task)Outcome).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (Outcome.IsCompletedSuccessfully)
        {
            (await Outcome).Response?.Dispose();
        }

        Dispose();
    }

    public void Dispose() => _cancellation.Dispose();
}
