using System.Runtime.InteropServices;
using System.Text.Json;
using LlmGateway.Model;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Providers;

/// <summary>Writes the body of <c>/api/chat</c> from OpenAI's request: its top level here, options, messages and tools in their own files.</summary>
internal sealed class OllamaRequestWriter
{
    private readonly Utf8JsonWriter _writer;
    private readonly JsonElement _root;
    private readonly GatewayRequest _request;
    private readonly ProviderTarget _target;

    private OllamaRequestWriter(Utf8JsonWriter writer, JsonElement root, GatewayRequest request, ProviderTarget target)
    {
        _writer = writer;
        _root = root;
        _request = request;
        _target = target;
    }

    /// <summary>Writes the body; the answer is null, or why there is none.</summary>
    public static ProviderCall? TryWrite(GatewayRequest request, ProviderTarget target, TargetHabits habits, out ReadOnlyMemory<byte> body) =>
        RequestTranslation.TryWrite(
            request, (request, target, habits), static (writer, root, call) => new OllamaRequestWriter(writer, root, call.request, call.target).Write(call.habits), out body);

    /// <summary>Whether a profile's wish for JSON applies: the request has none of its own.</summary>
    public static bool FillsJson(GatewayRequest request, ProviderTarget target) =>
        target.Sampling.WantsJson && !request.Scan.Has(RequestFields.ResponseFormat);

    /// <summary>What the profile puts in front. A constraint alone leaves some models emitting blanks without end: they must be told as well.</summary>
    public static string? SystemPrompt(GatewayRequest request, ProviderTarget target)
    {
        const string AnswerJson = "Answer with one valid JSON object and nothing else.";
        var prompt = request.Profile.SystemPrompt;
        return FillsJson(request, target) ? string.IsNullOrEmpty(prompt) ? AnswerJson : $"{prompt}\n\n{AnswerJson}" : prompt;
    }

    /// <summary>The value of <c>think</c> for an effort; null where there is none for it.</summary>
    public static string? ThinkOf(string? effort) => effort switch
    {
        "none" => "false",
        "minimal" or "low" => "\"low\"",
        "medium" => "\"medium\"",
        "high" => "\"high\"",
        "xhigh" or "max" => "\"max\"",
        _ => null,
    };

    private ProviderCall? Write(TargetHabits habits)
    {
        if (FindUnsupported() is { } unsupported)
        {
            return unsupported;
        }

        _writer.WriteStartObject();
        _writer.WriteString("model"u8, _target.Model);
        _writer.WriteBoolean("stream"u8, _request.Scan.IsStreaming);
        var problem = new OllamaMessageWriter(_writer).Write(_root, SystemPrompt(_request, _target))
            ?? new OllamaToolWriter(_writer).Write(_root)
            ?? new OllamaOptionsWriter(_writer).Write(_root, _request.Scan, _target.Sampling)
            ?? WriteFormat()
            ?? WriteThink(habits);
        Copy("logprobs"u8, JsonValueKind.True, JsonValueKind.False);
        Copy("top_logprobs"u8, JsonValueKind.Number);
        Copy("keep_alive"u8, JsonValueKind.Number, JsonValueKind.String);
        _writer.WriteEndObject();
        return problem;
    }

    private ProviderCall? FindUnsupported()
    {
        if (_root.Find("n"u8) is { ValueKind: JsonValueKind.Number } n && (!n.TryGetInt32(out var count) || count > 1))
        {
            return ProviderCall.CannotCarry("more than one choice (n)", "n");
        }

        return _root.Find("modalities"u8) is { ValueKind: JsonValueKind.Array } modalities &&
            modalities.EnumerateArray().Any(modality => modality.ValueKind == JsonValueKind.String && modality.ValueEquals("audio"u8))
            ? ProviderCall.CannotCarry("audio output", "modalities")
            : null;
    }

    private ProviderCall? WriteFormat()
    {
        var format = _root.Find("response_format"u8);
        var type = format?.ValueKind == JsonValueKind.Object ? format.Value.FindText("type"u8) : null;
        switch (type)
        {
            case null when format is null && FillsJson(_request, _target):
            case "json_object":
                _writer.WriteString("format"u8, "json"u8);
                return null;
            case "json_schema":
                var wrapper = format!.Value.Find("json_schema"u8);
                var schema = wrapper?.ValueKind == JsonValueKind.Object ? wrapper.Value.Find("schema"u8) : null;
                if (schema is not { ValueKind: JsonValueKind.Object } inner)
                {
                    return Invalid("response_format.json_schema.schema", "A JSON schema object is needed.");
                }

                _writer.WritePropertyName("format"u8);
                _writer.WriteRawValue(JsonMarshal.GetRawUtf8Value(inner), skipInputValidation: true);
                return null;
            case "text":
            case null when format is null:
                return null;
            default:
                return Invalid("response_format.type", "It must be text, json_object or json_schema.");
        }
    }

    private ProviderCall? WriteThink(TargetHabits habits)
    {
        var effort = _root.Find("reasoning_effort"u8);
        if (effort is { ValueKind: not JsonValueKind.String })
        {
            return Invalid("reasoning_effort", "It must be a string.");
        }

        var name = effort?.GetString() ?? _target.Sampling.ReasoningEffort?.Trim('"');
        var think = ThinkOf(name);
        if (think is null && effort is not null)
        {
            return Invalid("reasoning_effort", "It must be none, minimal, low, medium, high, xhigh or max.");
        }

        if (think is not null && (habits & TargetHabits.RefusesThinking) == 0)
        {
            _writer.WritePropertyName("think"u8);
            _writer.WriteRawValue(think, skipInputValidation: true);
        }

        return null;
    }

    private void Copy(ReadOnlySpan<byte> name, JsonValueKind kind, JsonValueKind otherKind = JsonValueKind.Undefined)
    {
        if (_root.Find(name) is { } value && (value.ValueKind == kind || value.ValueKind == otherKind))
        {
            _writer.WritePropertyName(name);
            _writer.WriteRawValue(JsonMarshal.GetRawUtf8Value(value), skipInputValidation: true);
        }
    }

    private static ProviderCall Invalid(string param, string message) => ProviderCall.Refuse(GatewayError.InvalidMember(param, message));
}
