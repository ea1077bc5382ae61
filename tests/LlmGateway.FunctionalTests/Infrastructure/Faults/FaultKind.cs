namespace LlmGateway.FunctionalTests.Infrastructure;

/// <summary>What happens at the chosen point of a request.</summary>
public enum FaultKind
{
    /// <summary>An exception that nobody expects is thrown there.</summary>
    Throw,

    /// <summary>The client leaves, and the request's token is cancelled there.</summary>
    Cancel,
}
