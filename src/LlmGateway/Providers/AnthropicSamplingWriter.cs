using System.Runtime.InteropServices;
using System.Text.Json;
using LlmGateway.Model;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Providers;

/// <summary>
/// Writes sampling and stop sequences. What the model is known to refuse is left out where it comes from the profile; what the client set
/// itself is sent, brought into range, and the provider has the last word on it.
/// </summary>
internal sealed class AnthropicSamplingWriter(Utf8JsonWriter writer, JsonElement root, SamplingDefaults defaults, AnthropicModel model, TargetHabits habits)
{
    /// <summary>Whether the client set sampling that cannot go together with thinking.</summary>
    public bool ClientSetsSampling => model.TakesSampling && (IsNotOne("temperature"u8) || IsNotOne("top_p"u8) || root.Find("top_k"u8) is not null);

    public ProviderCall? Write()
    {
        var hasTemperature = root.Find("temperature"u8) is not null;
        var hasTopP = root.Find("top_p"u8) is not null;
        var temperature = Fills(TargetHabits.RefusesTemperature) && (!hasTopP || model.TakesTemperatureWithTopP) ? defaults.Temperature : null;
        var isAlone = model.TakesTemperatureWithTopP || (!hasTemperature && temperature is null);
        var topP = Fills(TargetHabits.RefusesTopP) && isAlone ? defaults.TopP : null;
        return WriteNumber("temperature", temperature, 1)
            ?? WriteNumber("top_p", topP, 1)
            ?? WriteNumber("top_k", null, int.MaxValue);
    }

    /// <summary>Always an array. A sequence of nothing but whitespace is refused, so it is left out.</summary>
    public ProviderCall? WriteStop()
    {
        if (root.Find("stop"u8) is { } own)
        {
            return WriteStop(own) ? null : Invalid("stop", "It must be a string or an array of strings.");
        }

        if (defaults.Stop is { } raw && (habits & TargetHabits.RefusesStop) == 0)
        {
            using var document = JsonDocument.Parse(raw);
            WriteStop(document.RootElement);
        }

        return null;
    }

    private bool Fills(TargetHabits refusal) => model.TakesSampling && (habits & refusal) == 0;

    private bool IsNotOne(ReadOnlySpan<byte> name) =>
        root.Find(name) is { ValueKind: JsonValueKind.Number } value && (!value.TryGetDouble(out var number) || number != 1);

    private ProviderCall? WriteNumber(string name, string? otherwise, double most)
    {
        if (!root.TryGetProperty(name, out var value) || value.ValueKind == JsonValueKind.Null)
        {
            if (otherwise is null)
            {
                return null;
            }

            using var document = JsonDocument.Parse(otherwise);
            return WriteNumber(name, document.RootElement, most);
        }

        return WriteNumber(name, value, most);
    }

    /// <summary>A number in range goes on as it was written.</summary>
    private ProviderCall? WriteNumber(string name, JsonElement value, double most)
    {
        if (value.ValueKind != JsonValueKind.Number || !value.TryGetDouble(out var number))
        {
            return Invalid(name, "It must be a number.");
        }

        writer.WritePropertyName(name);
        if (number >= 0 && number <= most)
        {
            writer.WriteRawValue(JsonMarshal.GetRawUtf8Value(value), skipInputValidation: true);
        }
        else
        {
            writer.WriteNumberValue(number < 0 ? 0 : most);
        }

        return null;
    }

    private bool WriteStop(JsonElement stop)
    {
        if (stop.ValueKind != JsonValueKind.String && (stop.ValueKind != JsonValueKind.Array || stop.EnumerateArray().Any(text => text.ValueKind != JsonValueKind.String)))
        {
            return false;
        }

        var texts = stop.ValueKind == JsonValueKind.String ? [stop.GetString()!] : stop.EnumerateArray().Select(text => text.GetString()!);
        var usable = texts.Where(text => !string.IsNullOrWhiteSpace(text)).ToList();
        if (usable.Count > 0)
        {
            writer.WriteStartArray("stop_sequences"u8);
            usable.ForEach(writer.WriteStringValue);
            writer.WriteEndArray();
        }

        return true;
    }

    private static ProviderCall Invalid(string param, string message) => ProviderCall.Refuse(GatewayError.InvalidMember(param, message));
}
