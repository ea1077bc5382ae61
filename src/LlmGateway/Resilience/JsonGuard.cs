using System.Text;
using System.Text.Json;
using LlmGateway.Model;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Resilience;

/// <summary>
/// Holds a whole chat answer to the JSON that was asked for, by the request or by the profile. It is strict, as the client's parser will be:
/// fenced JSON is text, and an answer that was cut at its token limit is incomplete even where it happens to parse.
/// </summary>
internal static class JsonGuard
{
    private static readonly JsonReaderOptions Reading = new() { MaxDepth = 128 };

    /// <summary>
    /// Whether the answer shall be JSON. Streams are out before they could be judged, what is in the client's own form is not read, and a
    /// stand-in (the mock, where no local model is there) answers as it can.
    /// </summary>
    public static bool Watches(GatewayRequest request, ProviderTarget target) =>
        request is { Operation: Operation.ChatCompletions, Scan.IsStreaming: false } && WantsJson(request, target) && !request.IsNativeAt(target) && target.OnlyAfter is null;

    /// <summary>Whether the target was asked for JSON: what the client says goes before what the profile says.</summary>
    public static bool WantsJson(GatewayRequest request, ProviderTarget target) =>
        request.Scan.WantsJson || (target.Sampling.WantsJson && !request.Scan.Has(RequestFields.ResponseFormat));

    /// <summary>Whether every choice of the completion holds JSON, or something that is none by right: tool calls, a refusal, a filter's cut.</summary>
    /// <param name="completion">A chat completion in OpenAI's form.</param>
    public static bool Passes(ReadOnlyMemory<byte> completion)
    {
        try
        {
            using var document = JsonDocument.Parse(completion);
            return document.RootElement.Find("choices"u8) is { ValueKind: JsonValueKind.Array } choices && choices.EnumerateArray().All(PassesChoice);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            return false;
        }
    }

    /// <summary>Whether the text is one JSON value and nothing else.</summary>
    public static bool IsJson(string text)
    {
        try
        {
            var reader = new Utf8JsonReader(Encoding.UTF8.GetBytes(text), Reading);
            var hasValue = false;
            while (reader.Read())
            {
                hasValue = true;
            }

            return hasValue;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private static bool PassesChoice(JsonElement choice)
    {
        var finish = choice.FindText("finish_reason"u8);
        if (finish == "content_filter" || choice.Find("message"u8) is not { ValueKind: JsonValueKind.Object } message)
        {
            return true;
        }

        var isExempt = message.Find("tool_calls"u8) is { ValueKind: JsonValueKind.Array } calls && calls.GetArrayLength() > 0
            || message.Find("function_call"u8) is { ValueKind: JsonValueKind.Object }
            || message.FindText("refusal"u8) is { Length: > 0 };
        return isExempt || (finish != "length" && message.FindText("content"u8) is { } content && IsJson(content));
    }
}
