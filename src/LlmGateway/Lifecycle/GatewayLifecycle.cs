namespace LlmGateway.Lifecycle;

/// <summary>Where the gateway stands on its way from serving to gone (contract: shutdown). It only ever moves forward.</summary>
internal sealed class GatewayLifecycle : IDisposable
{
    private readonly CancellationTokenSource _hurry = new();
    private readonly CancellationTokenSource _ending = new();
    private volatile bool _isStopping;
    private volatile bool _refusesRequests;

    /// <summary>Not ready any more, though requests may still be served.</summary>
    public bool IsStopping => _isStopping;

    /// <summary>New requests are sent away.</summary>
    public bool RefusesRequests => _refusesRequests;

    /// <summary>Cancelled when there is no time left to wait for anything.</summary>
    public CancellationToken Hurried => _hurry.Token;

    /// <summary>Cancelled when what still runs must come to its end: streams say so and stop.</summary>
    public CancellationToken Ending => _ending.Token;

    public void Announce() => _isStopping = true;

    public void Refuse() => _isStopping = _refusesRequests = true;

    /// <summary>The whole stop, now.</summary>
    public void Hurry() => _hurry.Cancel();

    public Task EndAsync() => _ending.CancelAsync();

    public void Dispose()
    {
        _hurry.Dispose();
        _ending.Dispose();
    }
}
