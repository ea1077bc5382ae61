using System.Globalization;
using System.Text.Json;

namespace LlmGateway.Providers;

/// <summary>
/// Reads the error shapes that OpenAI-compatible servers use: OpenAI's nested object, vLLM's flat one, a bare string, a list of one, FastAPI's
/// <c>detail</c>, numbers for codes, HTML, nothing.
/// </summary>
internal static class OpenAiErrorReader
{
    private static readonly JsonDocumentOptions Strict = new() { MaxDepth = 64, AllowDuplicateProperties = false };

    public static ProviderError Read(int status, ReadOnlySpan<byte> body)
    {
        try
        {
            using var document = JsonDocument.Parse(body.ToArray(), Strict);
            return Read(status, document.RootElement);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            return new ProviderError(status, "");
        }
    }

    /// <summary>Whether it is <c>{"object":"error","message":…}</c>, an error without an <c>error</c>.</summary>
    public static bool IsFlatError(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json);
        while (reader.Read())
        {
            if (reader.CurrentDepth == 1 && reader.TokenType == JsonTokenType.PropertyName && reader.ValueTextEquals("object"u8))
            {
                return reader.Read() && reader.TokenType == JsonTokenType.String && reader.ValueTextEquals("error"u8);
            }

            if (reader.CurrentDepth == 1)
            {
                reader.TrySkip();
            }
        }

        return false;
    }

    private static ProviderError Read(int status, JsonElement root)
    {
        if (root.ValueKind == JsonValueKind.Array && root.GetArrayLength() > 0)
        {
            root = root[0];
        }

        if (root.ValueKind != JsonValueKind.Object)
        {
            return new ProviderError(status, "");
        }

        if (!root.TryGetProperty("error", out var error))
        {
            error = root;
        }

        if (error.ValueKind == JsonValueKind.String)
        {
            return new ProviderError(status, error.GetString()!);
        }

        if (error.ValueKind != JsonValueKind.Object)
        {
            return new ProviderError(status, "");
        }

        var code = Text(error, "code");
        var (detail, place) = ReadDetail(root);
        return new ProviderError(StatusOf(status, code), Text(error, "message") ?? Text(root, "message") ?? detail ?? "")
        {
            Type = Text(error, "type"),
            Code = code,
            Param = Text(error, "param") ?? place,
        };
    }

    /// <summary>FastAPI's form: words, or a list of what is wrong and where; the first of it is told.</summary>
    private static (string? Message, string? Place) ReadDetail(JsonElement root)
    {
        if (!root.TryGetProperty("detail", out var detail))
        {
            return default;
        }

        if (detail.ValueKind != JsonValueKind.Array || detail.GetArrayLength() == 0 || detail[0].ValueKind != JsonValueKind.Object)
        {
            return (Text(root, "detail"), null);
        }

        var first = detail[0];
        var place = first.TryGetProperty("loc", out var path) && path.ValueKind == JsonValueKind.Array
            ? string.Join('.', path.EnumerateArray().Select(step => step.ToString()).SkipWhile(step => step == "body"))
            : null;
        return (Text(first, "msg"), string.IsNullOrEmpty(place) ? null : place);
    }

    /// <summary>Inside a 200 the error's own number is the status (OpenRouter, vLLM).</summary>
    private static int StatusOf(int status, string? code) =>
        status == 200 && int.TryParse(code, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number is >= 400 and <= 599 ? number : status;

    private static string? Text(JsonElement element, string name) => element.TryGetProperty(name, out var value) ? value.ValueKind switch
    {
        JsonValueKind.String => value.GetString(),
        JsonValueKind.Number => value.GetRawText(),
        _ => null,
    } : null;
}
