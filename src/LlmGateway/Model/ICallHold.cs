namespace LlmGateway.Model;

/// <summary>What was set aside for one provider call before it was made, a reservation of money say; given back when the call ends.</summary>
public interface ICallHold
{
    /// <summary>Called exactly once, when the call has ended and its usage is known; on whichever thread ended it, so it must not wait.</summary>
    void End(AttemptTally call);
}
