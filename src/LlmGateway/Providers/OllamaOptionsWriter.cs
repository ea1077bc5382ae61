using System.Runtime.InteropServices;
using System.Text.Json;
using LlmGateway.Model;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Providers;

/// <summary>
/// Writes <c>options</c>: sampling and limits. Numbers are copied as written. What neither client nor profile sets is left out, so that a
/// model's own defaults stay.
/// </summary>
internal sealed class OllamaOptionsWriter(Utf8JsonWriter writer)
{
    /// <summary>Members that have the same name in both; all but the first four are extensions of OpenAI's request.</summary>
    private static readonly string[] SameNames =
    [
        "temperature", "top_p", "frequency_penalty", "presence_penalty",
        "top_k", "min_p", "typical_p", "repeat_penalty", "repeat_last_n", "num_ctx", "num_keep", "num_batch", "num_gpu", "main_gpu", "num_thread",
        "mirostat", "mirostat_tau", "mirostat_eta", "tfs_z", "penalize_newline", "use_mmap",
    ];

    private bool _isOpen;

    public ProviderCall? Write(JsonElement root, ScannedRequest scan, SamplingDefaults defaults)
    {
        var problem = WriteLimit(root, scan, defaults) ?? WriteStop(root, defaults) ?? WriteSeed(root, defaults);
        foreach (var name in SameNames)
        {
            problem ??= WriteNumber(root, name, name, name switch
            {
                "temperature" => defaults.Temperature,
                "top_p" => defaults.TopP,
                _ => null,
            });
        }

        if (_isOpen)
        {
            writer.WriteEndObject();
        }

        return problem;
    }

    /// <summary>The newer name wins; a profile's limit stands only where the client set neither.</summary>
    private ProviderCall? WriteLimit(JsonElement root, ScannedRequest scan, SamplingDefaults defaults)
    {
        var hasOwn = scan.Has(RequestFields.MaxTokens) || scan.Has(RequestFields.MaxCompletionTokens);
        return root.Find("max_completion_tokens"u8) is not null
            ? WriteNumber(root, "max_completion_tokens", "num_predict", null)
            : WriteNumber(root, "max_tokens", "num_predict", hasOwn ? null : defaults.MaxTokens);
    }

    private ProviderCall? WriteSeed(JsonElement root, SamplingDefaults defaults) => WriteNumber(root, "seed", "seed", defaults.Seed);

    private ProviderCall? WriteNumber(JsonElement root, string member, string option, string? otherwise)
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

        // Ollama answers 400 to a string here; the two switches among the extensions are the only booleans.
        var isWanted = option is "penalize_newline" or "use_mmap"
            ? value.ValueKind is JsonValueKind.True or JsonValueKind.False
            : value.ValueKind == JsonValueKind.Number;
        if (!isWanted)
        {
            return ProviderCall.Refuse(GatewayError.InvalidValue(member, $"The value of {member} has the wrong type."));
        }

        Name(option);
        writer.WriteRawValue(JsonMarshal.GetRawUtf8Value(value), skipInputValidation: true);
        return null;
    }

    /// <summary>Always an array: Ollama refuses a string.</summary>
    private ProviderCall? WriteStop(JsonElement root, SamplingDefaults defaults)
    {
        if (root.Find("stop"u8) is { } stop)
        {
            return WriteStop(stop)
                ? null
                : ProviderCall.Refuse(GatewayError.InvalidMember("stop", "It must be a string or an array of strings."));
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
        if (stop.ValueKind == JsonValueKind.String)
        {
            Name("stop");
            writer.WriteStartArray();
            writer.WriteRawValue(JsonMarshal.GetRawUtf8Value(stop), skipInputValidation: true);
            writer.WriteEndArray();
            return true;
        }

        if (stop.ValueKind != JsonValueKind.Array || stop.EnumerateArray().Any(text => text.ValueKind != JsonValueKind.String))
        {
            return false;
        }

        Name("stop");
        writer.WriteRawValue(JsonMarshal.GetRawUtf8Value(stop), skipInputValidation: true);
        return true;
    }

    private void Name(string option)
    {
        if (!_isOpen)
        {
            _isOpen = true;
            writer.WriteStartObject("options"u8);
        }

        writer.WritePropertyName(option);
    }
}
