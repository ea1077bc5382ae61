using System.Runtime.InteropServices;
using System.Text.Json;
using LlmGateway.Model;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Providers;

/// <summary>
/// Writes function calls and their results. A result carries its function's name, which OpenAI's form tells only in the call, and the
/// results of one step stand in the order of its calls: where no ids are sent, that is how Gemini tells them apart.
/// </summary>
internal sealed class GeminiCallWriter(Utf8JsonWriter writer, GeminiCallMemory memory, GeminiModel model)
{
    /// <summary>Google's own word for calls that no Gemini model made: their signature is not asked for.</summary>
    private const string ForeignSignature = "skip_thought_signature_validator";

    private readonly List<Call> _step = [];
    private string _stepPath = "";

    /// <summary>The signature that belongs to the text before the calls, if that was kept.</summary>
    public string? FindTextSignature(JsonElement message) =>
        message.Find("tool_calls"u8) is { ValueKind: JsonValueKind.Array } calls && calls.GetArrayLength() > 0 && calls[0].ValueKind == JsonValueKind.Object
            ? memory.Find(calls[0].FindText("id"u8)).TextSignature
            : null;

    public ProviderCall? WriteCalls(JsonElement message, string path, Action beforeFirst)
    {
        if (message.Find("function_call"u8) is { ValueKind: JsonValueKind.Object } deprecated)
        {
            _stepPath = $"{path}.function_call";
            beforeFirst();
            return WriteCall(null, deprecated, _stepPath);
        }

        if (message.Find("tool_calls"u8) is not { } calls)
        {
            return null;
        }

        _stepPath = $"{path}.tool_calls";
        if (calls.ValueKind != JsonValueKind.Array)
        {
            return Invalid(_stepPath, "It must be an array.");
        }

        var index = 0;
        foreach (var call in calls.EnumerateArray())
        {
            var place = $"{_stepPath}[{index++}]";
            if (call.ValueKind != JsonValueKind.Object)
            {
                return Invalid(place, "A tool call must be an object.");
            }

            if (call.FindText("type"u8) == "custom")
            {
                return ProviderCall.CannotCarry("custom tools", place);
            }

            if (call.Find("function"u8) is not { ValueKind: JsonValueKind.Object } function)
            {
                return Invalid($"{place}.function", "It must be an object.");
            }

            beforeFirst();
            if (WriteCall(call.FindText("id"u8), function, $"{place}.function") is { } problem)
            {
                return problem;
            }
        }

        return null;
    }

    /// <summary>Notes a tool's result; it is written when the step is over.</summary>
    public ProviderCall? TakeResult(JsonElement message, string path)
    {
        var texts = new List<string>();
        if (GeminiTexts.Read(message, path, texts) is { } problem)
        {
            return problem;
        }

        var id = message.FindText("tool_call_id"u8);
        var name = message.FindText("name"u8);
        var at = id is not null
            ? _step.FindLastIndex(call => call.Id == id)
            : _step.FindIndex(call => call.Output is null && call.Name == name);
        if (at < 0)
        {
            return Invalid($"{path}.tool_call_id", "No tool call with this id stands right before it.");
        }

        _step[at] = _step[at] with { Output = string.Concat(texts) };
        return null;
    }

    /// <summary>Writes the results of the calls since the last step; nothing where there were none.</summary>
    public ProviderCall? CloseStep(Action beforeFirst)
    {
        if (_step.Count == 0)
        {
            return null;
        }

        if (_step.Exists(call => call.Output is null))
        {
            return Invalid(_stepPath, "Each tool call needs a tool message with its result behind it.");
        }

        beforeFirst();
        _step.ForEach(WriteResult);
        _step.Clear();
        return null;
    }

    private ProviderCall? WriteCall(string? id, JsonElement function, string path)
    {
        if (function.FindText("name"u8) is not { Length: > 0 } name)
        {
            return Invalid($"{path}.name", "It must be a string.");
        }

        var kept = memory.Find(id);
        writer.WriteStartObject();
        writer.WriteStartObject("functionCall"u8);
        if (kept.HasOwnId)
        {
            writer.WriteString("id"u8, id);
        }

        writer.WriteString("name"u8, name);
        writer.WritePropertyName("args"u8);
        if (!TryWriteArguments(function.Find("arguments"u8)))
        {
            return Invalid($"{path}.arguments", "It must be a JSON object, written as a string.");
        }

        writer.WriteEndObject();

        // Of parallel calls only the first is signed; a signature on each is refused.
        if ((kept.Signature ?? (_step.Count == 0 && model.HasThinkingLevel ? ForeignSignature : null)) is { } signature)
        {
            writer.WriteString("thoughtSignature"u8, signature);
        }

        writer.WriteEndObject();
        _step.Add(new Call(id, name, kept.HasOwnId, null));
        return null;
    }

    private void WriteResult(Call call)
    {
        writer.WriteStartObject();
        writer.WriteStartObject("functionResponse"u8);
        if (call.SendsId)
        {
            writer.WriteString("id"u8, call.Id);
        }

        writer.WriteString("name"u8, call.Name);
        writer.WritePropertyName("response"u8);
        if (!JsonObjectText.TryWrite(writer, call.Output!))
        {
            // It must be an object: text, lists and numbers are wrapped in one.
            writer.WriteStartObject();
            writer.WriteString("output"u8, call.Output);
            writer.WriteEndObject();
        }

        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    private bool TryWriteArguments(JsonElement? arguments)
    {
        switch (arguments?.ValueKind)
        {
            case null:
            case JsonValueKind.String when string.IsNullOrWhiteSpace(arguments.Value.GetString()):
                writer.WriteStartObject();
                writer.WriteEndObject();
                return true;
            case JsonValueKind.Object:
                writer.WriteRawValue(JsonMarshal.GetRawUtf8Value(arguments.Value), skipInputValidation: true);
                return true;
            case JsonValueKind.String:
                return JsonObjectText.TryWrite(writer, arguments.Value.GetString()!);
            default:
                return false;
        }
    }

    private static ProviderCall Invalid(string param, string message) => ProviderCall.Refuse(GatewayError.InvalidMember(param, message));

    /// <summary>One call of the open step; no output yet while that is null.</summary>
    private readonly record struct Call(string? Id, string Name, bool SendsId, string? Output);
}
