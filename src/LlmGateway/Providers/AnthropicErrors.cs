using LlmGateway.Model;

namespace LlmGateway.Providers;

/// <summary>Reads what Anthropic says has gone wrong: <c>{"type":"error","error":{"type","message"}}</c>, with a status or inside a 200.</summary>
internal static class AnthropicErrors
{
    private static readonly string[] MoneyPhrases = ["credit balance", "spend limit", "spending limit", "usage limits", "billing"];

    private static readonly string[] LengthPhrases = ["prompt is too long", "exceed context limit", "context window", "context length"];

    public static ProviderError Read(int status, ReadOnlySpan<byte> body) => Judge(OpenAiErrorReader.Read(status, body), status);

    /// <summary>An error in a stream or in a reply with status 200: its type says which status it would have had.</summary>
    public static ProviderError ReadInside(ReadOnlySpan<byte> body)
    {
        var error = OpenAiErrorReader.Read(200, body);
        var judged = Judge(error, StatusOf(error.Type));
        return judged with { Reason = judged.Reason ?? FailureReason.ServerError };
    }

    private static ProviderError Judge(ProviderError error, int status)
    {
        error = error with { Type = TypeOf(status) ?? error.Type };
        if (status is 400 or 413 && SaysAny(error.Message, LengthPhrases))
        {
            return error with { Code = ErrorCodes.ContextLengthExceeded, Reason = FailureReason.ContextLength };
        }

        if (status == 402 || (status == 400 && SaysAny(error.Message, MoneyPhrases)))
        {
            // The account's trouble, not the client's: another provider may answer.
            return error with { Code = "insufficient_quota", Reason = FailureReason.Auth };
        }

        return status switch
        {
            400 when Says(error.Message, "content filtering") => error with { Code = ErrorCodes.ContentFilter, Reason = FailureReason.ContentFilter },
            400 => error with { Reason = FailureReason.InvalidRequest, Param = ParamOf(error.Message) },
            401 => error with { Code = ErrorCodes.InvalidApiKey, Reason = FailureReason.Auth },
            403 => error with { Reason = FailureReason.Auth },
            404 => error with { Code = ErrorCodes.ModelNotFound, Reason = FailureReason.ModelUnavailable },
            413 => error with { Code = ErrorCodes.RequestTooLarge, Reason = FailureReason.InvalidRequest },
            429 => error with { Reason = FailureReason.RateLimit },
            500 or 503 or 504 or 529 => error with { Reason = FailureReason.ServerError },
            _ => error,
        };
    }

    private static int StatusOf(string? type) => type switch
    {
        "invalid_request_error" => 400,
        "authentication_error" => 401,
        "billing_error" => 402,
        "permission_error" => 403,
        "not_found_error" => 404,
        "request_too_large" => 413,
        "rate_limit_error" => 429,
        "timeout_error" => 504,
        "overloaded_error" => 529,
        _ => 500,
    };

    private static string? TypeOf(int status) => status switch
    {
        429 => ErrorTypes.RateLimit,
        503 or 529 => ErrorTypes.Overloaded,
        504 => ErrorTypes.Timeout,
        >= 400 and < 500 => ErrorTypes.InvalidRequest,
        >= 500 => ErrorTypes.Api,
        _ => null,
    };

    /// <summary>The top-level member that a message such as <c>temperature: range: 0..1</c> speaks of; a path into the messages is not the client's own.</summary>
    private static string? ParamOf(string message)
    {
        var start = message.TrimStart('`', '\'', '"');
        var length = start.TakeWhile(letter => char.IsAsciiLetterLower(letter) || letter == '_').Count();
        return start[..length] is "temperature" or "top_p" or "max_tokens" or "tools" or "tool_choice" or "messages" ? start[..length] : null;
    }

    private static bool SaysAny(string message, string[] phrases) => phrases.Any(phrase => Says(message, phrase));

    private static bool Says(string message, string phrase) => message.Contains(phrase, StringComparison.OrdinalIgnoreCase);
}
