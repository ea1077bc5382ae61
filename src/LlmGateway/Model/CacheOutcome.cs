namespace LlmGateway.Model;

/// <summary>What the response cache did for a request: the value of <c>x-llm-cache</c>.</summary>
public enum CacheOutcome
{
    /// <summary>It was not asked.</summary>
    Bypass,

    /// <summary>It had no answer.</summary>
    Miss,

    /// <summary>It answered.</summary>
    Hit,
}
