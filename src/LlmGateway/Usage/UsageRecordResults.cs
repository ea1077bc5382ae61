namespace LlmGateway.Usage;

/// <summary>What becomes of a request record: values of the label <c>result</c>.</summary>
internal static class UsageRecordResults
{
    public const string Written = "written";
    public const string Lost = "lost";
}
