using LlmGateway.Model;

namespace LlmGateway.Limits;

/// <summary>What an ended call is charged: the same that its record says.</summary>
internal static class CallCost
{
    public static long Of(AttemptTally call) => call.Usage is { IsSane: true } usage ? call.Target.ModelConfig?.Price?.CostOf(usage) ?? 0 : 0;
}
