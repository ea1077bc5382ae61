namespace LlmGateway.Model;

/// <summary>What the client's <c>Cache-Control</c> wants of the response cache.</summary>
public enum CachePolicy
{
    /// <summary>Nothing in particular.</summary>
    Usual,

    /// <summary><c>no-cache</c>: a fresh answer, which may be kept.</summary>
    NoCache,

    /// <summary><c>no-store</c>: a fresh answer that is not kept.</summary>
    NoStore,
}
