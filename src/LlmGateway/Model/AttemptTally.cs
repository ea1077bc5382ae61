using System.Diagnostics;

namespace LlmGateway.Model;

/// <summary>One provider call as it goes on: who, how long, how it ended, what it used. It ends exactly once.</summary>
public sealed class AttemptTally(ProviderTarget target, AttemptRole role, long started, ICallHold? hold = null)
{
    private int _ended;

    public ProviderTarget Target { get; } = target;

    /// <summary>What the call was for; an answer that only called the gateway's tools turns out to be <see cref="AttemptRole.Tool"/>.</summary>
    public AttemptRole Role { get; internal set; } = role;

    /// <summary>The attempt before this one in the same request.</summary>
    public AttemptTally? Previous { get; private set; }

    /// <summary>Which of the request's calls it is, from 0.</summary>
    public int Index { get; private set; }

    /// <summary>Time stamp of the call.</summary>
    public long Started { get; } = started;

    /// <summary>Time stamp of the first token (not streaming: of the whole answer); 0 before it.</summary>
    public long FirstToken { get; set; }

    /// <summary>Time stamp of the end; 0 before it.</summary>
    public long Ended { get; private set; }

    /// <summary>The call's span in the request's trace; null where it is not traced. It ends when the request is settled.</summary>
    public Activity? Span { get; init; }

    /// <summary><see cref="FailureReason.None"/> for success.</summary>
    public FailureReason Outcome { get; private set; }

    /// <summary>The provider's HTTP status; 0 where none came.</summary>
    public int Status { get; set; }

    /// <summary>What the call used; null where the provider was never reached or refused it.</summary>
    public TokenUsage? Usage { get; private set; }

    public bool HasEnded => Volatile.Read(ref _ended) != 0;

    /// <summary>Puts the attempt behind the one that was the last so far.</summary>
    internal void Follow(AttemptTally? previous)
    {
        Previous = previous;
        Index = previous is null ? 0 : previous.Index + 1;
    }

    /// <summary>Settles the attempt; only the first call counts.</summary>
    public bool End(FailureReason outcome, TokenUsage? usage, long now)
    {
        if (Interlocked.Exchange(ref _ended, 1) != 0)
        {
            return false;
        }

        Outcome = outcome;
        Usage = usage;
        Ended = now;
        hold?.End(this);
        return true;
    }

    public TimeSpan Duration(TimeProvider time) => time.GetElapsedTime(Started, Ended == 0 ? time.GetTimestamp() : Ended);

    [DebuggerHidden]
    public override string ToString() => $"{Target}: {Outcome.ToName()} {Status}";
}
