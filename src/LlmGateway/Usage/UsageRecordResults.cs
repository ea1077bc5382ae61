namespace LlmGateway.Usage;

/// <summary>What becomes of a request record: values of the label <c>result</c>.</summary>
internal static class UsageRecordResults
{
    /// <summary>It is in the database.</summary>
    public const string Written = "written";

    /// <summary>Its request ended while the database was away; it waits in the journal and is counted as written later, too.</summary>
    public const string Spooled = "spooled";

    /// <summary>There was no room left for it, or the database refused it for good.</summary>
    public const string Lost = "lost";
}
