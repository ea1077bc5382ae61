using System.Globalization;
using System.Text.Json;
using LlmGateway.Model;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Providers;

/// <summary>Reads Google's errors: <c>{"error":{"code","message","status","details"}}</c>, often as a list of one.</summary>
internal static class GeminiErrors
{
    private const int MaxMessageChars = 1000;

    public static ProviderError Read(int status, ReadOnlySpan<byte> body)
    {
        try
        {
            var reader = new Utf8JsonReader(body);
            using var document = JsonDocument.ParseValue(ref reader);
            return Find(document.RootElement) is { } error ? Classify(status, error) : ByStatus(new ProviderError(status, ""), null);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // HTML of a proxy, or cut off: only the status is known.
            return ByStatus(new ProviderError(status, ""), null);
        }
    }

    /// <summary>The error object of an answer whose status is 200: its own number is the status.</summary>
    public static ProviderError ReadInside(JsonElement error)
    {
        var code = error.ValueKind == JsonValueKind.Object && error.Find("code"u8) is { ValueKind: JsonValueKind.Number } number && number.TryGetInt32(out var told) ? told : 0;
        var read = Classify(code is >= 400 and <= 599 ? code : 200, error);
        return read with { Reason = read.Reason ?? (read.Status == 200 ? FailureReason.ServerError : null), Type = read.Type ?? ErrorTypes.Api };
    }

    private static JsonElement? Find(JsonElement root)
    {
        if (root.ValueKind == JsonValueKind.Array && root.GetArrayLength() > 0)
        {
            root = root[0];
        }

        return root.ValueKind == JsonValueKind.Object && root.Find("error"u8) is { } error ? error : null;
    }

    private static ProviderError Classify(int status, JsonElement error)
    {
        if (error.ValueKind != JsonValueKind.Object)
        {
            return ByStatus(new ProviderError(status, error.ValueKind == JsonValueKind.String ? Shorten(error.GetString()!) : ""), null);
        }

        var (reason, retryAfter) = ReadDetails(error.Find("details"u8));
        var read = new ProviderError(status, Shorten(error.FindText("message"u8) ?? "")) { RetryAfter = retryAfter };

        // A bad key is a 400 here, and it is the gateway's, not the client's.
        return reason?.StartsWith("API_KEY_", StringComparison.Ordinal) == true || Says(read.Message, "API key not valid") || Says(read.Message, "API key expired")
            ? read with { Type = ErrorTypes.InvalidRequest, Code = ErrorCodes.InvalidApiKey, Reason = FailureReason.Auth }
            : ByStatus(read, error.FindText("status"u8));
    }

    private static ProviderError ByStatus(ProviderError error, string? name) => (name, error.Status) switch
    {
        ("RESOURCE_EXHAUSTED", _) or (_, 429) => error with { Type = ErrorTypes.RateLimit, Code = "rate_limit_exceeded", Reason = FailureReason.RateLimit },
        ("NOT_FOUND", _) or (_, 404) => error with { Type = ErrorTypes.InvalidRequest, Code = ErrorCodes.ModelNotFound, Reason = FailureReason.ModelUnavailable },
        ("UNAUTHENTICATED" or "PERMISSION_DENIED", _) or (_, 401 or 403) => error with { Type = ErrorTypes.Permission, Reason = FailureReason.Auth },

        // Billing not set up, or a country that is not served: nothing that a client could mend.
        ("FAILED_PRECONDITION", _) => error with { Type = ErrorTypes.Permission, Reason = FailureReason.Auth },
        ("DEADLINE_EXCEEDED", _) or (_, 504) => error with { Type = ErrorTypes.Api, Reason = FailureReason.Timeout },
        ("UNAVAILABLE", _) or (_, 503) => error with { Type = ErrorTypes.Overloaded, Reason = FailureReason.ServerError },
        ("INTERNAL" or "CANCELLED" or "UNKNOWN" or "DATA_LOSS" or "ABORTED", _) or (_, >= 499) => error with { Type = ErrorTypes.Api, Reason = FailureReason.ServerError },
        (_, >= 400) when Says(error.Message, "input token count") || Says(error.Message, "maximum number of tokens") =>
            error with { Type = ErrorTypes.InvalidRequest, Code = ErrorCodes.ContextLengthExceeded, Reason = FailureReason.ContextLength },
        (_, >= 400) => error with { Type = ErrorTypes.InvalidRequest },
        _ => error,
    };

    private static (string? Reason, TimeSpan? RetryAfter) ReadDetails(JsonElement? details)
    {
        string? reason = null;
        TimeSpan? retryAfter = null;
        if (details is { ValueKind: JsonValueKind.Array } list)
        {
            foreach (var detail in list.EnumerateArray().Where(detail => detail.ValueKind == JsonValueKind.Object))
            {
                reason ??= detail.FindText("reason"u8);
                retryAfter ??= ReadDuration(detail.FindText("retryDelay"u8));
            }
        }

        return (reason, retryAfter);
    }

    /// <summary>A duration as protobuf writes it: <c>37s</c>, <c>1.5s</c>.</summary>
    private static TimeSpan? ReadDuration(string? text) =>
        text is [.. var number, 's'] && double.TryParse(number, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var seconds) && seconds < 1e6
            ? TimeSpan.FromSeconds(seconds)
            : null;

    private static bool Says(string message, string words) => message.Contains(words, StringComparison.OrdinalIgnoreCase);

    private static string Shorten(string message) => message.Length <= MaxMessageChars ? message : message[..MaxMessageChars];
}
