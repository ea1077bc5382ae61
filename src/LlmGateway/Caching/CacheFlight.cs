namespace LlmGateway.Caching;

/// <summary>One call that others wait for. It ends once: with an answer to share, with nothing to share, or because its client left.</summary>
internal sealed class CacheFlight(CacheFlights flights, string key)
{
    private readonly TaskCompletionSource<Landing> _landed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public string Key { get; } = key;

    /// <summary>How it ended.</summary>
    public Task<Landing> Landed => _landed.Task;

    /// <summary>The answer, for all who wait.</summary>
    public void Share(CacheEntry entry) => End(new Landing(entry, WasAbandoned: false));

    /// <summary>The answer is not one to share: those who wait ask for themselves.</summary>
    public void ShareNothing() => End(default);

    /// <summary>The client left before the answer was whole: one of those who wait takes the lead.</summary>
    public void Abandon() => End(new Landing(null, WasAbandoned: true));

    private void End(Landing landing)
    {
        flights.Leave(this);
        _landed.TrySetResult(landing);
    }

    /// <param name="Entry">The answer; null: there is none to share.</param>
    /// <param name="WasAbandoned">Whether that is because the client left.</param>
    public readonly record struct Landing(CacheEntry? Entry, bool WasAbandoned);
}
