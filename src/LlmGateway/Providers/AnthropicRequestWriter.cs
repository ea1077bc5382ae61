using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using LlmGateway.Model;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Providers;

/// <summary>Writes the body of <c>/v1/messages</c> from OpenAI's request: its top level here; messages, tools, sampling and thinking in their own files.</summary>
internal sealed class AnthropicRequestWriter
{
    private readonly Utf8JsonWriter _writer;
    private readonly JsonElement _root;
    private readonly GatewayRequest _request;
    private readonly ProviderTarget _target;
    private readonly AnthropicModel _model;

    private AnthropicRequestWriter(Utf8JsonWriter writer, JsonElement root, GatewayRequest request, ProviderTarget target)
    {
        (_writer, _root, _request, _target) = (writer, root, request, target);
        _model = AnthropicModel.Of(target.Model);
    }

    /// <summary>Writes the body; the answer is null, or why there is none.</summary>
    /// <param name="request">The call as received.</param>
    /// <param name="target">Where it goes.</param>
    /// <param name="habits">What the target is known to refuse.</param>
    /// <param name="takesSampling">Whether the version of the API has sampling at all.</param>
    /// <param name="states">Signed thinking of earlier turns.</param>
    /// <param name="body">The body.</param>
    public static ProviderCall? TryWrite(
        GatewayRequest request, ProviderTarget target, TargetHabits habits, bool takesSampling, ToolCallStates states, out ReadOnlyMemory<byte> body) =>
        RequestTranslation.TryWrite(
            request,
            (request, target, habits, takesSampling, states),
            static (writer, root, call) => new AnthropicRequestWriter(writer, root, call.request, call.target).Write(call.habits, call.takesSampling, call.states),
            out body);

    private ProviderCall? Write(TargetHabits habits, bool takesSampling, ToolCallStates states)
    {
        if (FindUnsupported() is { } unsupported)
        {
            return unsupported;
        }

        _writer.WriteStartObject();
        _writer.WriteString("model"u8, _target.Model);
        _writer.WriteBoolean("stream"u8, _request.Scan.IsStreaming);

        // 1. What is read before anything can be decided.
        var conversation = new AnthropicConversation();
        var tools = new AnthropicToolWriter(_writer);
        var format = default(AnthropicOutputFormat);
        string? effort = null;
        long? limit = null;
        var takesSchema = _target.ModelConfig?.SupportsJsonSchema ?? _model.TakesSchema;
        var problem = new AnthropicMessageReader(conversation, id => Find(states, id)).Read(_root)
            ?? tools.Write(_root)
            ?? AnthropicOutputFormat.TryRead(_root, _target.Sampling.WantsJson && !_request.Scan.Has(RequestFields.ResponseFormat), takesSchema, out format)
            ?? ReadEffort(out effort)
            ?? ReadLimit(out limit);
        if (problem is not null)
        {
            return problem;
        }

        // 2. Whether the model thinks, and within what limit.
        var sampling = new AnthropicSamplingWriter(_writer, _root, _target.Sampling, _model, habits);
        var mustNotThink = tools.ForcesCall || conversation.LacksThinking || conversation.IsPrefilled
            || (sampling.ClientSetsSampling && !_request.Scan.Has(RequestFields.ReasoningEffort));
        var (maxTokens, thinking) = Decide(effort, habits, mustNotThink).Within(limit);
        _writer.WriteNumber("max_tokens"u8, maxTokens);
        thinking.Write(_writer);

        // 3. The rest follows. Beside thinking no sampling is allowed.
        problem = takesSampling && !thinking.IsOn ? sampling.Write() : null;
        problem ??= sampling.WriteStop();
        conversation.WriteSystem(_writer, _request.Profile.SystemPrompt, format.Instruction);
        conversation.WriteMessages(_writer, thinking.IsOn || (_model.ThinksByEffort && !thinking.IsOff));
        WriteOutputConfig(thinking.Effort, format.Schema);
        WriteUser();
        WriteServiceTier();
        if (_root.Find("cache_control"u8) is { ValueKind: JsonValueKind.Object } breakpoint)
        {
            _writer.WritePropertyName("cache_control"u8);
            WriteRaw(breakpoint);
        }

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

    // A bare null would become empty memory here: known, and without thinking.
    private ReadOnlyMemory<byte>? Find(ToolCallStates states, string toolCallId) =>
        states.TryGet(_request.Key.Name, _target.Provider.Name, toolCallId, out var state) ? state : default(ReadOnlyMemory<byte>?);

    private ProviderCall? ReadEffort(out string? effort)
    {
        effort = _target.Sampling.ReasoningEffort?.Trim('"');
        if (_root.Find("reasoning_effort"u8) is not { } own)
        {
            effort = effort is not null && AnthropicThinking.IsKnownEffort(effort) ? effort : null;
            return null;
        }

        effort = own.ValueKind == JsonValueKind.String ? own.GetString()! : "";
        return AnthropicThinking.IsKnownEffort(effort)
            ? null
            : Invalid("reasoning_effort", "It must be none, minimal, low, medium, high, xhigh or max.");
    }

    private AnthropicThinking Decide(string? effort, TargetHabits habits, bool mustNotThink)
    {
        if (effort is null || !_model.Thinks || (habits & TargetHabits.RefusesThinking) != 0)
        {
            return AnthropicThinking.Unset;
        }

        return effort == "none" || mustNotThink ? AnthropicThinking.Off : AnthropicThinking.On(effort, _model);
    }

    /// <summary>The newer name wins; a profile's limit stands only where the client set neither.</summary>
    private ProviderCall? ReadLimit(out long? limit)
    {
        var member = _root.Find("max_completion_tokens"u8) is not null ? "max_completion_tokens" : "max_tokens";
        limit = long.TryParse(_target.Sampling.MaxTokens, NumberStyles.None, CultureInfo.InvariantCulture, out var filled) && filled > 0 ? filled : null;
        if (!_root.TryGetProperty(member, out var own) || own.ValueKind == JsonValueKind.Null)
        {
            return null;
        }

        if (own.ValueKind != JsonValueKind.Number || !own.TryGetInt32(out var asked) || asked < 1)
        {
            return Invalid(member, "It must be a positive integer.");
        }

        limit = asked;
        return null;
    }

    private void WriteOutputConfig(string? effort, JsonElement? schema)
    {
        if (effort is null && schema is null)
        {
            return;
        }

        _writer.WriteStartObject("output_config"u8);
        if (effort is not null)
        {
            _writer.WriteString("effort"u8, effort);
        }

        if (schema is { } form)
        {
            _writer.WriteStartObject("format"u8);
            _writer.WriteString("type"u8, "json_schema"u8);
            _writer.WritePropertyName("schema"u8);
            WriteRaw(form);
            _writer.WriteEndObject();
        }

        _writer.WriteEndObject();
    }

    /// <summary>The provider takes 256 characters; a cut one could be someone else's, so a longer one is left out.</summary>
    private void WriteUser()
    {
        if ((_root.FindText("safety_identifier"u8) ?? _root.FindText("user"u8)) is { Length: > 0 and <= 256 } user)
        {
            _writer.WriteStartObject("metadata"u8);
            _writer.WriteString("user_id"u8, user);
            _writer.WriteEndObject();
        }
    }

    private void WriteServiceTier()
    {
        var tier = _root.FindText("service_tier"u8) switch
        {
            "auto" or "priority" => "auto",
            "default" or "standard_only" => "standard_only",
            _ => null,
        };
        if (tier is not null)
        {
            _writer.WriteString("service_tier"u8, tier);
        }
    }

    private void WriteRaw(JsonElement value) => _writer.WriteRawValue(JsonMarshal.GetRawUtf8Value(value), skipInputValidation: true);

    private static ProviderCall Invalid(string param, string message) => ProviderCall.Refuse(GatewayError.InvalidMember(param, message));
}
