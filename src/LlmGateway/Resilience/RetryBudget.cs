namespace LlmGateway.Resilience;

/// <summary>
/// How many extra attempts one target may get for being tried again: a fifth of its calls over the last half minute, and ten in any case.
/// A provider in trouble is not beaten with several times its load. Only retries count against it, never a first try.
/// </summary>
internal sealed class RetryBudget(TimeProvider time)
{
    private const int Floor = 10;
    private const int Share = 5;

    private readonly SlidingCount _calls = new(time);

    /// <summary>Counts a first try.</summary>
    public void NoteCall() => _calls.Add(isMarked: false);

    /// <summary>Takes one retry, if there is one left.</summary>
    public bool TryTake()
    {
        var (all, retries) = _calls.Sum();
        if (retries >= Floor && (retries + 1) * Share > all - retries)
        {
            return false;
        }

        _calls.Add(isMarked: true);
        return true;
    }
}
