using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using LlmGateway.Model;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Providers;

/// <summary>Writes <c>generationConfig</c>. Numbers are copied as written; what neither client nor profile sets is left out.</summary>
internal sealed class GeminiConfigWriter(Utf8JsonWriter writer, JsonElement root, ScannedRequest scan, SamplingDefaults defaults, GeminiModel model)
{
    private bool _isOpen;

    /// <summary>Whether the request has functions: then older models refuse to be told a format.</summary>
    public bool HasTools { get; init; }

    public ProviderCall? Write(TargetHabits habits)
    {
        var problem = WriteNumber("temperature", "temperature", defaults.Temperature)
            ?? WriteNumber("top_p", "topP", defaults.TopP)
            ?? WriteNumber("top_k", "topK", null)
            ?? WriteLimit()
            ?? WriteStop()
            ?? WriteNumber("n", "candidateCount", null)
            ?? WriteSeed()
            ?? WriteNumber("presence_penalty", "presencePenalty", null)
            ?? WriteNumber("frequency_penalty", "frequencyPenalty", null)
            ?? WriteLogprobs()
            ?? WriteModalities()
            ?? new GeminiFormatWriter(Name, writer, model).Write(root, WantsJsonByProfile())
            ?? WriteThinking(habits);
        if (_isOpen)
        {
            writer.WriteEndObject();
        }

        return problem;
    }

    private bool WantsJsonByProfile() => defaults.WantsJson && !scan.Has(RequestFields.ResponseFormat) && (!HasTools || model.HasThinkingLevel);

    /// <summary>The newer name wins; a profile's limit stands only where the client set neither.</summary>
    private ProviderCall? WriteLimit()
    {
        var hasOwn = scan.Has(RequestFields.MaxTokens) || scan.Has(RequestFields.MaxCompletionTokens);
        return root.Find("max_completion_tokens"u8) is not null
            ? WriteNumber("max_completion_tokens", "maxOutputTokens", null)
            : WriteNumber("max_tokens", "maxOutputTokens", hasOwn ? null : defaults.MaxTokens);
    }

    /// <summary>OpenAI's seed has 64 bits, Gemini's 32: a longer one is folded, the same to the same.</summary>
    private ProviderCall? WriteSeed()
    {
        long? seed = defaults.Seed is { } own && long.TryParse(own, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var profiles) ? profiles : null;
        if (root.Find("seed"u8) is { } told)
        {
            if (told.ValueKind != JsonValueKind.Number || !told.TryGetInt64(out var clients))
            {
                return Invalid("seed", "It must be an integer.");
            }

            seed = clients;
        }

        if (seed is { } number)
        {
            Name("seed");
            writer.WriteNumberValue(Fold(number));
        }

        return null;
    }

    private static int Fold(long seed) => seed is >= int.MinValue and <= int.MaxValue ? (int)seed : (int)((seed ^ (seed >> 32)) & int.MaxValue);

    private ProviderCall? WriteNumber(string member, string option, string? otherwise)
    {
        if (!root.TryGetProperty(member, out var value) || value.ValueKind == JsonValueKind.Null)
        {
            if (otherwise is not null)
            {
                Name(option);
                writer.WriteRawValue(otherwise);
            }

            return null;
        }

        if (value.ValueKind != JsonValueKind.Number)
        {
            return Invalid(member, "It must be a number.");
        }

        Name(option);
        writer.WriteRawValue(JsonMarshal.GetRawUtf8Value(value), skipInputValidation: true);
        return null;
    }

    /// <summary>Always an array: a string is refused.</summary>
    private ProviderCall? WriteStop()
    {
        if (root.Find("stop"u8) is { } stop)
        {
            return WriteStop(stop) ? null : Invalid("stop", "It must be a string or an array of strings.");
        }

        if (defaults.Stop is { } raw)
        {
            using var document = JsonDocument.Parse(raw);
            WriteStop(document.RootElement);
        }

        return null;
    }

    private bool WriteStop(JsonElement stop)
    {
        JsonElement[] texts = stop.ValueKind switch
        {
            JsonValueKind.String => [stop],
            JsonValueKind.Array => [.. stop.EnumerateArray()],
            _ => [default],
        };
        if (texts.Any(text => text.ValueKind != JsonValueKind.String))
        {
            return false;
        }

        if (texts.Length > 0)
        {
            Name("stopSequences");
            writer.WriteStartArray();
            foreach (var text in texts)
            {
                writer.WriteRawValue(JsonMarshal.GetRawUtf8Value(text), skipInputValidation: true);
            }

            writer.WriteEndArray();
        }

        return true;
    }

    private ProviderCall? WriteLogprobs()
    {
        if (root.Find("logprobs"u8) is not { ValueKind: JsonValueKind.True })
        {
            return null;
        }

        Name("responseLogprobs");
        writer.WriteBooleanValue(true);
        return WriteNumber("top_logprobs", "logprobs", null);
    }

    private ProviderCall? WriteModalities()
    {
        if (root.Find("modalities"u8) is not { ValueKind: JsonValueKind.Array } modalities)
        {
            return null;
        }

        var names = modalities.EnumerateArray().Select(item => item.ValueKind == JsonValueKind.String ? item.GetString() : null).ToList();
        if (names.Contains("audio"))
        {
            return ProviderCall.CannotCarry("audio output", "modalities");
        }

        if (names.Contains("image"))
        {
            Name("responseModalities");
            writer.WriteStartArray();
            writer.WriteStringValue("TEXT"u8);
            writer.WriteStringValue("IMAGE"u8);
            writer.WriteEndArray();
        }

        return null;
    }

    private ProviderCall? WriteThinking(TargetHabits habits)
    {
        var effort = root.Find("reasoning_effort"u8);
        if (effort is { ValueKind: not JsonValueKind.String })
        {
            return Invalid("reasoning_effort", "It must be a string.");
        }

        var name = effort?.GetString() ?? defaults.ReasoningEffort?.Trim('"');
        if (name is null)
        {
            return null;
        }

        if (name is not ("none" or "minimal" or "low" or "medium" or "high" or "xhigh" or "max"))
        {
            return effort is null ? null : Invalid("reasoning_effort", "It must be none, minimal, low, medium, high, xhigh or max.");
        }

        // A model that does not think answers 400 to either member.
        if ((habits & TargetHabits.RefusesThinking) != 0 || !(model.HasThinkingBudget || model.HasThinkingLevel))
        {
            return null;
        }

        Name("thinkingConfig");
        writer.WriteStartObject();
        if (model.HasThinkingLevel)
        {
            writer.WriteString("thinkingLevel"u8, LevelOf(name));
        }
        else
        {
            writer.WriteNumber("thinkingBudget"u8, BudgetOf(name));
        }

        if (name != "none")
        {
            writer.WriteBoolean("includeThoughts"u8, true);
        }

        writer.WriteEndObject();
        return null;
    }

    /// <summary>The large models know no lower level than LOW.</summary>
    private string LevelOf(string effort) => effort switch
    {
        "none" or "minimal" => model.IsPro ? "LOW" : "MINIMAL",
        "low" => "LOW",
        "medium" => "MEDIUM",
        _ => "HIGH",
    };

    /// <summary>The numbers of Google's own façade; the large models cannot stop thinking, their least is 128.</summary>
    private int BudgetOf(string effort) => effort switch
    {
        "none" => model.IsPro ? 128 : 0,
        "minimal" or "low" => 1024,
        "medium" => 8192,
        _ => 24576,
    };

    private void Name(string option)
    {
        if (!_isOpen)
        {
            _isOpen = true;
            writer.WriteStartObject("generationConfig"u8);
        }

        writer.WritePropertyName(option);
    }

    private static ProviderCall Invalid(string param, string message) => ProviderCall.Refuse(GatewayError.InvalidMember(param, message));
}
