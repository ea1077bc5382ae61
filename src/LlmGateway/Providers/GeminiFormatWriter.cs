using System.Runtime.InteropServices;
using System.Text.Json;
using LlmGateway.Model;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Providers;

/// <summary>Writes what <c>response_format</c> asks for into <c>generationConfig</c>.</summary>
/// <param name="name">Names the next member, the configuration opened before.</param>
/// <param name="writer">Where its value goes.</param>
/// <param name="model">Which kind of schema is understood.</param>
internal sealed class GeminiFormatWriter(Action<string> name, Utf8JsonWriter writer, GeminiModel model)
{
    /// <param name="root">The request.</param>
    /// <param name="wantsJson">Whether the profile asks for JSON and the request says nothing.</param>
    public ProviderCall? Write(JsonElement root, bool wantsJson)
    {
        var format = root.Find("response_format"u8);
        var type = format?.ValueKind == JsonValueKind.Object ? format.Value.FindText("type"u8) : null;
        switch (type)
        {
            case null when format is null && wantsJson:
            case "json_object":
                WriteJsonType();
                return null;
            case "json_schema":
                return WriteSchema(format!.Value.Find("json_schema"u8));
            case "text":
            case null when format is null:
                return null;
            default:
                return Invalid("response_format.type", "It must be text, json_object or json_schema.");
        }
    }

    private ProviderCall? WriteSchema(JsonElement? wrapper)
    {
        var schema = wrapper?.ValueKind == JsonValueKind.Object ? wrapper.Value.Find("schema"u8) : null;
        if (schema is not { ValueKind: JsonValueKind.Object } inner)
        {
            return Invalid("response_format.json_schema.schema", "A JSON schema object is needed.");
        }

        WriteJsonType();
        if (model.TakesJsonSchema)
        {
            name("responseJsonSchema");
            writer.WriteRawValue(JsonMarshal.GetRawUtf8Value(inner), skipInputValidation: true);
            return null;
        }

        name("responseSchema");
        return GeminiSchema.TryWrite(writer, inner)
            ? null
            : Invalid("response_format.json_schema.schema", "The schema must be of reasonable size with its $refs filled in.");
    }

    private void WriteJsonType()
    {
        name("responseMimeType");
        writer.WriteStringValue("application/json"u8);
    }

    private static ProviderCall Invalid(string param, string message) => ProviderCall.Refuse(GatewayError.InvalidMember(param, message));
}
