namespace LlmGateway.Usage;

/// <summary>What usage is summed up by.</summary>
internal enum UsageGrouping
{
    Agent,

    /// <summary>By the provider that was called, not the one that answered in the end.</summary>
    Provider,

    /// <summary>By provider and model, as <c>provider/model</c>.</summary>
    Model,
    Key,
    Department,
    User,

    /// <summary>By the day (UTC) on which requests came.</summary>
    Day,
}
