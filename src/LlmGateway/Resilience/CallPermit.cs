using LlmGateway.Model;

namespace LlmGateway.Resilience;

/// <summary>Whether a provider call may be made.</summary>
/// <param name="Hold">What was set aside for it; null: nothing had to be.</param>
/// <param name="Refusal">Why it may not be made, as the client will see it; null: it may.</param>
internal readonly record struct CallPermit(ICallHold? Hold, GatewayError? Refusal)
{
    /// <summary>Nothing limits the call.</summary>
    public static CallPermit Free => default;
}
