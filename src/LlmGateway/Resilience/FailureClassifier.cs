using LlmGateway.Model;
using LlmGateway.Providers;

namespace LlmGateway.Resilience;

/// <summary>Says what a provider's error means for the request: whose fault it is, and whether another target may do better.</summary>
internal static class FailureClassifier
{
    private static readonly string[] ContextLengthPhrases =
    [
        "maximum context length", "context length exceeded", "context window", "context_length", "prompt is too long", "too many tokens",
        "exceeds the available context size", "input length and `max_tokens` exceed", "input token count",
    ];

    public static FailureReason Classify(ProviderError error) => error.Reason ?? (error.Status, error.Code) switch
    {
        (_, "context_length_exceeded") => FailureReason.ContextLength,
        (_, "content_filter" or "content_policy_violation" or "ResponsibleAIPolicyViolation") => FailureReason.ContentFilter,
        (_, "model_not_found" or "model_not_available" or "DeploymentNotFound") => FailureReason.ModelUnavailable,
        (_, "invalid_api_key") => FailureReason.Auth,
        (_, "rate_limit_exceeded" or "insufficient_quota") => FailureReason.RateLimit,
        (400 or 413 or 422, _) => SaysContextLength(error.Message) ? FailureReason.ContextLength : FailureReason.InvalidRequest,
        (401 or 402 or 403, _) => FailureReason.Auth,
        (404, _) => FailureReason.ModelUnavailable,
        (408, _) => FailureReason.Timeout,
        (429, _) => FailureReason.RateLimit,
        (409 or 423 or 425 or (>= 500 and <= 599), _) => FailureReason.ServerError,
        (200, _) => FailureReason.ServerError,
        _ => FailureReason.InvalidResponse,
    };

    private static bool SaysContextLength(string message)
    {
        foreach (var phrase in ContextLengthPhrases)
        {
            if (message.Contains(phrase, StringComparison.OrdinalIgnoreCase))
            {
                return true;
            }
        }

        return false;
    }
}
