namespace LlmGateway.Limits;

/// <summary>Values of the metric's label <c>limit</c>.</summary>
internal static class LimitNames
{
    public const string Budget = "budget";

    private static readonly string[] Names = ["none", "rpm", "tpm", "concurrency", Budget];

    public static string Of(LimitKind limit) => Names[(int)limit];
}
