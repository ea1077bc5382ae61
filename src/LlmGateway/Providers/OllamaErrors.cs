using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using LlmGateway.Model;

namespace LlmGateway.Providers;

/// <summary>Reads what Ollama says has gone wrong: <c>{"error":"…"}</c>, an object where a proxy rewrote it, or plain text.</summary>
internal static class OllamaErrors
{
    private const int MaxMessageChars = 1000;

    public static ProviderError Read(int status, ReadOnlySpan<byte> body) => Classify(status, FindMessage(body));

    /// <summary>The error of a line or of a reply with status 200: only its text can tell what it is.</summary>
    /// <param name="error">The value of <c>error</c>, a string or an object.</param>
    public static ProviderError ReadInside(ReadOnlySpan<byte> error)
    {
        var known = Classify(200, ValueMessage(error));
        return known with { Reason = known.Reason ?? FailureReason.ServerError, Type = known.Type ?? ErrorTypes.Api };
    }

    private static ProviderError Classify(int status, string message)
    {
        var error = new ProviderError(status, message) { Type = TypeOf(status) };
        if (Says(message, "context length") || Says(message, "context window") || Says(message, "context size"))
        {
            return error with { Type = ErrorTypes.InvalidRequest, Code = ErrorCodes.ContextLengthExceeded, Reason = FailureReason.ContextLength };
        }

        if (status == 404 || (status == 200 && Says(message, "model") && Says(message, "not found")))
        {
            return error with { Type = ErrorTypes.InvalidRequest, Code = ErrorCodes.ModelNotFound, Reason = FailureReason.ModelUnavailable };
        }

        // 499 is Ollama's word for a cancelled request; when it was not the gateway that cancelled, the server did.
        return status == 499 ? error with { Reason = FailureReason.ServerError } : error;
    }

    private static string? TypeOf(int status) => status switch
    {
        429 => ErrorTypes.RateLimit,
        503 => ErrorTypes.Overloaded,
        >= 400 and < 499 => ErrorTypes.InvalidRequest,
        >= 499 => ErrorTypes.Api,
        _ => null,
    };

    private static bool Says(string message, string words) => message.Contains(words, StringComparison.OrdinalIgnoreCase);

    private static string FindMessage(ReadOnlySpan<byte> body)
    {
        body = body.Trim(" \t\r\n"u8);
        if (body.IsEmpty || body[0] != (byte)'{')
        {
            return PlainMessage(body);
        }

        try
        {
            var reader = new Utf8JsonReader(body);
            reader.Read();
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var isError = reader.ValueTextEquals("error"u8);
                reader.Read();
                var start = (int)reader.TokenStartIndex;
                reader.Skip();
                if (isError)
                {
                    return ValueMessage(body[start..(int)reader.BytesConsumed]);
                }
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // Broken or cut off: no message to be had.
        }

        return "";
    }

    private static string ValueMessage(ReadOnlySpan<byte> value)
    {
        try
        {
            var reader = new Utf8JsonReader(value);
            using var document = JsonDocument.ParseValue(ref reader);
            var root = document.RootElement;
            if (root.ValueKind == JsonValueKind.Object && root.TryGetProperty("message"u8, out var message))
            {
                root = message;
            }

            return root.ValueKind == JsonValueKind.String ? Shorten(root.GetString()!) : "";
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return "";
        }
    }

    /// <summary>Markup is a proxy's page, not a message.</summary>
    private static string PlainMessage(ReadOnlySpan<byte> body) =>
        body.IsEmpty || body[0] == (byte)'<' || !Utf8.IsValid(body) ? "" : Shorten(Encoding.UTF8.GetString(body));

    private static string Shorten(string message) => message.Length <= MaxMessageChars ? message : message[..MaxMessageChars];
}
