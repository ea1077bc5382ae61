namespace LlmGateway.ModelTests.Checks;

/// <summary>How one check ended.</summary>
internal enum CheckStatus
{
    Ok,

    /// <summary>Worth knowing, and no reason against starting.</summary>
    Warning,

    /// <summary>Something to be mended: the command ends with 1.</summary>
    Failed,
}
