namespace LlmGateway.Limits;

/// <summary>
/// What was spent of one budget and what is set aside, in this process. Both numbers change together, under the account's own lock for some
/// nanoseconds: what is tested is their sum.
/// </summary>
internal sealed class BudgetAccount
{
    private readonly Lock _gate = new();
    private long _spent;
    private long _open;
    private bool _isOpened;

    /// <summary>Whether what was spent before is known.</summary>
    public bool IsOpened => Volatile.Read(ref _isOpened);

    /// <summary>What is set aside for calls under way.</summary>
    public long SetAside => Interlocked.Read(ref _open);

    /// <summary>Says what was spent before this process counted; only the first call counts.</summary>
    public void Open(long spentBefore)
    {
        lock (_gate)
        {
            if (!_isOpened)
            {
                _spent += spentBefore;
                Volatile.Write(ref _isOpened, true);
            }
        }
    }

    /// <summary>Sets an amount aside, if the budget holds it.</summary>
    public BudgetReading Hold(long budget, long amount)
    {
        lock (_gate)
        {
            var fits = _spent + _open + amount <= budget;
            _open += fits ? amount : 0;
            return new BudgetReading(fits ? BudgetVerdict.Fits : BudgetVerdict.TooMuch, _spent, _open);
        }
    }

    /// <summary>Whether anything at all is left.</summary>
    public BudgetReading Look(long budget)
    {
        lock (_gate)
        {
            return new BudgetReading(_spent + _open < budget ? BudgetVerdict.Fits : BudgetVerdict.TooMuch, _spent, _open);
        }
    }

    /// <summary>Puts what a call has cost in the place of what was set aside for it.</summary>
    public void Settle(long held, long cost)
    {
        lock (_gate)
        {
            _open -= held;
            _spent += cost;
        }
    }
}
