namespace LlmGateway.Usage;

/// <summary>Where a provider call's token counts come from.</summary>
public enum UsageSource
{
    /// <summary>The provider was not reached or refused the call: nothing was used.</summary>
    None,

    /// <summary>The provider's own report.</summary>
    Provider,

    /// <summary>Counted by the gateway from what it saw.</summary>
    Estimated,
}
