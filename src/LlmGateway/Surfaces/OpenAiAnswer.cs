using System.Runtime.InteropServices;
using System.Text.Json;
using LlmGateway.Model;
using LlmGateway.Providers;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Surfaces;

/// <summary>What a whole completion says, read out of its JSON: the first choice, since clients of other forms know one only.</summary>
internal readonly struct OpenAiAnswer
{
    private readonly JsonElement _message;

    private OpenAiAnswer(JsonElement root, JsonElement message, string? finish)
    {
        _message = message;
        Model = root.FindText("model"u8) ?? "";
        Finish = finish;
        Usage = OpenAiUsageReader.Of(root);
    }

    public string Model { get; }

    public string? Finish { get; }

    /// <summary>What the answer itself says it used; null where it does not say.</summary>
    public TokenUsage? Usage { get; }

    public WireText Content => Text("content"u8);

    public WireText Refusal => Text("refusal"u8);

    public WireText Reasoning => Text("reasoning_content"u8) is { IsEmpty: false } text ? text : Text("reasoning"u8);

    public IEnumerable<JsonElement> ToolCalls
    {
        get
        {
            if (_message.Find("tool_calls"u8) is not { ValueKind: JsonValueKind.Array } calls)
            {
                return [];
            }

            return calls.EnumerateArray().Where(call => call.ValueKind == JsonValueKind.Object && call.Find("function"u8) is { ValueKind: JsonValueKind.Object });
        }
    }

    /// <summary>Reads a completion; false where it holds no message.</summary>
    public static bool TryRead(JsonElement root, out OpenAiAnswer answer)
    {
        answer = default;
        if (root.ValueKind != JsonValueKind.Object || root.Find("choices"u8) is not { ValueKind: JsonValueKind.Array } choices || choices.GetArrayLength() == 0)
        {
            return false;
        }

        var choice = choices[0];
        if (choice.ValueKind != JsonValueKind.Object || choice.Find("message"u8) is not { ValueKind: JsonValueKind.Object } message)
        {
            return false;
        }

        answer = new OpenAiAnswer(root, message, choice.FindText("finish_reason"u8));
        return true;
    }

    private WireText Text(ReadOnlySpan<byte> name) =>
        _message.Find(name) is { ValueKind: JsonValueKind.String } value ? WireText.Json(JsonMarshal.GetRawUtf8Value(value)) : WireText.None;
}
