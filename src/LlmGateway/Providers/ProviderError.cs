using LlmGateway.Model;

namespace LlmGateway.Providers;

/// <summary>An error as the provider told it, in OpenAI's terms. The message is the provider's own and goes to a client only after redaction.</summary>
/// <param name="Status">HTTP status, or the number that the error itself carries.</param>
/// <param name="Message">The provider's message; empty where it has none.</param>
public sealed record ProviderError(int Status, string Message)
{
    public string? Type { get; init; }

    public string? Code { get; init; }

    public string? Param { get; init; }

    /// <summary>How long the provider wants to be left alone, if its body says so (a header is read elsewhere).</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>The reason, where the dialect knows better than status and code tell.</summary>
    public FailureReason? Reason { get; init; }
}
