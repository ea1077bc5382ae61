using LlmGateway.Model;
using LlmGateway.Providers;

namespace LlmGateway.Resilience;

/// <summary>
/// What outlives requests and reloads about one target: how its calls have gone, whether it may be called now, and what it has been seen to
/// refuse. Nothing here takes a lock; a healthy target costs a call a few reads and four interlocked steps.
/// </summary>
/// <remarks>
/// <para><b>In doubt.</b> A target that has just begun, or has failed twice in a row, gets no more unanswered calls at once than it would take
/// to open its circuit (10 at most). So a dead target costs a burst of requests a handful of attempts, however slowly it fails. The others
/// wait for its first sign of life. Of one that has failed they wait until two seconds after its oldest unanswered call began, and go on to
/// the next target then. One that is new may only be slow: five seconds after its first call the doubt is over, and nobody leaves it for
/// being slow. Where there is no next target nobody is held.</para>
/// </remarks>
internal sealed class TargetState
{
    /// <summary>What a call waits at most for a target that is busy or cooling down.</summary>
    public static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(2);

    /// <summary>Cooling down after a 429 that does not say how long.</summary>
    public static readonly TimeSpan UsualCooldown = TimeSpan.FromSeconds(1);

    private const int MostCallsInDoubt = 10;

    /// <summary>How long a target that has never answered is in doubt without having failed.</summary>
    private static readonly TimeSpan LongestColdStart = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan SoonAgain = TimeSpan.FromSeconds(1);

    private readonly TimeProvider _time;
    private int _habits;
    private int _running;
    private int _unanswered;
    private long _silentSince;
    private long _coolUntil;
    private int _hasAnswered;
    private RefusedCredentials? _refused;

    /// <param name="time">The clock.</param>
    /// <param name="changed">Told when the circuit changes: position, the reason, failures in a row.</param>
    public TargetState(TimeProvider time, Action<CircuitPosition, FailureReason, int> changed)
    {
        _time = time;
        Circuit = new TargetCircuit(time, changed);
        Line = new WaitingLine(time);
        Retries = new RetryBudget(time);
    }

    public ModelStatistics Statistics { get; } = new();

    public TargetCircuit Circuit { get; }

    /// <summary>Calls that wait for news of this target.</summary>
    public WaitingLine Line { get; }

    public RetryBudget Retries { get; }

    public TargetHabits Habits => (TargetHabits)Volatile.Read(ref _habits);

    /// <summary>Calls under way.</summary>
    public int Running => Volatile.Read(ref _running);

    public void Learn(TargetHabits habits) => Interlocked.Or(ref _habits, (int)habits);

    /// <summary>Lets a call in, or says why not. Whoever is let in owes an <see cref="End"/> or a <see cref="Leave"/>.</summary>
    public Admission TryEnter(CallCredentials credentials, GatewayConfig config, bool hasNext)
    {
        if (WhyNot(credentials, hasNext) is { } refusal)
        {
            return new(default, refusal);
        }

        if (Volatile.Read(ref _refused) is { } refused && refused.Credentials == credentials
            && Interlocked.CompareExchange(ref _refused, refused with { Until = _time.GetTimestamp() + ToStamps(LongestWait) }, refused) != refused)
        {
            // Its time is over, and another call is finding out.
            return new(default, CredentialsAreRefused(LongestWait));
        }

        var isProbe = false;
        if (!Circuit.IsClosed)
        {
            isProbe = Circuit.TryProbe();
            if (!isProbe && !Circuit.IsClosed)
            {
                return new(default, CircuitIsOpen());
            }
        }

        var running = Interlocked.Increment(ref _running);
        var unanswered = Interlocked.Increment(ref _unanswered);
        var slot = new CallSlot(Circuit.Generation, isProbe);
        if (running > config.MaxConcurrencyPerTarget)
        {
            TakeBack(slot);
            return new(default, new AdmissionRefusal($"all its {config.MaxConcurrencyPerTarget} calls at once are taken", FailureReason.None, SoonAgain, hasNext ? TimeSpan.Zero : LongestWait));
        }

        if (hasNext && unanswered > 1 && unanswered > CallsInDoubt(config.Circuit) && IsInDoubt(_time.GetTimestamp(), out var patience))
        {
            TakeBack(slot);
            return new(default, new AdmissionRefusal("it is in doubt: its first answer is awaited", FailureReason.None, SoonAgain, patience));
        }

        if (Volatile.Read(ref _silentSince) == 0)
        {
            Interlocked.CompareExchange(ref _silentSince, _time.GetTimestamp(), 0);
        }

        return new(slot, null);
    }

    /// <summary>Why the target takes no call now, as far as that can be told without making one; null: it takes them.</summary>
    public AdmissionRefusal? WhyNot(CallCredentials credentials, bool hasNext = true)
    {
        if (Volatile.Read(ref _coolUntil) is not 0 and var cool && Left(cool) is var left && left > TimeSpan.Zero)
        {
            return new AdmissionRefusal("it is cooling down after a rate limit or an overload", FailureReason.RateLimit, left, hasNext || left > LongestWait ? TimeSpan.Zero : left);
        }

        if (Volatile.Read(ref _refused) is { } refused && refused.Credentials == credentials && Left(refused.Until) is var rest && rest > TimeSpan.Zero)
        {
            return CredentialsAreRefused(rest);
        }

        return Circuit.Left > TimeSpan.Zero ? CircuitIsOpen() : null;
    }

    /// <summary>The first token has come.</summary>
    public void Answered(CallSlot slot, CallCredentials credentials)
    {
        Interlocked.Decrement(ref _unanswered);
        Volatile.Write(ref _silentSince, 0);
        if (Volatile.Read(ref _hasAnswered) == 0)
        {
            Volatile.Write(ref _hasAnswered, 1);
        }

        if (Volatile.Read(ref _refused) is { } refused && refused.Credentials == credentials)
        {
            Interlocked.CompareExchange(ref _refused, null, refused);
        }

        if (slot.IsProbe)
        {
            Circuit.Close();
        }

        Line.WakeAll();
    }

    /// <summary>A call has ended, however it did.</summary>
    /// <param name="slot">What it held.</param>
    /// <param name="outcome">How it ended.</param>
    /// <param name="hasAnswered">Whether <see cref="Answered"/> was told.</param>
    /// <param name="config">The circuit's settings.</param>
    public void End(CallSlot slot, FailureReason outcome, bool hasAnswered, CircuitConfig config)
    {
        var isProbe = slot.IsProbe && !hasAnswered;
        var generation = slot.IsProbe && hasAnswered ? Circuit.Generation : slot.Generation;
        switch (outcome)
        {
            case FailureReason.None:
                Circuit.Succeeded();
                break;
            case FailureReason.Timeout or FailureReason.Connection or FailureReason.ServerError or FailureReason.InvalidResponse:
                Circuit.Failed(outcome, generation, isProbe, config);
                break;
            case FailureReason.Cancelled:
                if (isProbe)
                {
                    Circuit.GiveBack();
                }

                break;
            default:
                // A refusal: nothing is wrong with a target that refuses.
                if (isProbe)
                {
                    Circuit.Close();
                }

                break;
        }

        Free(hasAnswered);
        Line.WakeAll();
    }

    /// <summary>Gives a slot back with which nothing was sent.</summary>
    public void Leave(CallSlot slot)
    {
        TakeBack(slot);
        Line.WakeAll();
    }

    /// <summary>The provider limits its rate or asks for a pause: the target is left alone for as long.</summary>
    public void CoolDown(TimeSpan wanted)
    {
        var until = _time.GetTimestamp() + ToStamps(wanted);
        long seen;
        do
        {
            seen = Interlocked.Read(ref _coolUntil);
        }
        while (seen < until && Interlocked.CompareExchange(ref _coolUntil, until, seen) != seen);
    }

    /// <summary>The provider refuses the gateway's credentials: they are not tried again for as long as a circuit would be open.</summary>
    public void Refuse(CallCredentials credentials, CircuitConfig config) =>
        Volatile.Write(ref _refused, new RefusedCredentials(credentials, _time.GetTimestamp() + ToStamps(config.Break)));

    private static AdmissionRefusal CredentialsAreRefused(TimeSpan left) => new("the provider has refused its key or ticket", FailureReason.Auth, left, TimeSpan.Zero);

    private AdmissionRefusal CircuitIsOpen()
    {
        var left = Circuit.Left;
        var why = left > TimeSpan.Zero ? "too many failures lately" : "too many failures lately, and one call is finding out whether it is back";
        return new AdmissionRefusal(why, Circuit.LastReason, left > SoonAgain ? left : SoonAgain, TimeSpan.Zero);
    }

    private int CallsInDoubt(CircuitConfig config) => Math.Max(1, Math.Min(config.Failures, MostCallsInDoubt) - Circuit.FailuresInRow);

    /// <summary>Whether it is open if the target works at all, and how long that may be waited for.</summary>
    private bool IsInDoubt(long now, out TimeSpan patience)
    {
        var since = Volatile.Read(ref _silentSince);
        var silence = since == 0 ? TimeSpan.Zero : TimeSpan.FromSeconds((double)(now - since) / _time.TimestampFrequency);
        var hasFailed = Circuit.FailuresInRow > 1;
        var limit = hasFailed ? LongestWait : LongestColdStart;
        patience = silence < limit ? limit - silence : TimeSpan.Zero;
        return hasFailed || (Volatile.Read(ref _hasAnswered) == 0 && patience > TimeSpan.Zero);
    }

    // Wakes nobody: calls that wait would wake each other without end.
    private void TakeBack(CallSlot slot)
    {
        if (slot.IsProbe)
        {
            Circuit.GiveBack();
        }

        Free(hasAnswered: false);
    }

    private void Free(bool hasAnswered)
    {
        Interlocked.Decrement(ref _running);
        if (!hasAnswered && Interlocked.Decrement(ref _unanswered) == 0)
        {
            Volatile.Write(ref _silentSince, 0);
        }
    }

    private TimeSpan Left(long until) => TimeSpan.FromSeconds(Math.Max(0, (double)(until - _time.GetTimestamp()) / _time.TimestampFrequency));

    private long ToStamps(TimeSpan span) => (long)(span.TotalSeconds * _time.TimestampFrequency);
}
