using LlmGateway.Model;

namespace LlmGateway.Usage;

/// <summary>The public spelling of roles, sources and outcomes in records.</summary>
public static class UsageNames
{
    private const string Success = "success";

    private static readonly string[] Roles = ["answer", "hedge", "candidate", "evaluator", "tool"];
    private static readonly string[] Sources = ["none", "provider", "estimated"];

    public static string ToName(this AttemptRole role) => Roles[(int)role];

    public static string ToName(this UsageSource source) => Sources[(int)source];

    public static string ToOutcomeName(this FailureReason outcome) => outcome == FailureReason.None ? Success : outcome.ToName();

    public static AttemptRole ParseRole(string name) => (AttemptRole)Math.Max(0, Array.IndexOf(Roles, name));

    public static UsageSource ParseSource(string name) => (UsageSource)Math.Max(0, Array.IndexOf(Sources, name));

    /// <summary>A reason that this version does not know reads as an invalid response.</summary>
    public static FailureReason ParseOutcome(string name) =>
        name == Success ? FailureReason.None : FailureReasons.TryParse(name, out var reason) ? reason : FailureReason.InvalidResponse;
}
