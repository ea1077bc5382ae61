using System.Text.Json;
using LlmGateway.Model;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Providers;

/// <summary>What <c>response_format</c> comes to: a schema that the provider enforces, or an instruction in the system prompt, or nothing.</summary>
internal readonly record struct AnthropicOutputFormat(JsonElement? Schema, string? Instruction)
{
    private const string AnswerJson = "Answer with one valid JSON object and nothing else.";

    /// <param name="root">The client's request.</param>
    /// <param name="fillsJson">Whether the profile wants JSON and the request says nothing.</param>
    /// <param name="takesSchema">Whether the model knows structured output.</param>
    /// <param name="format">What it comes to.</param>
    public static ProviderCall? TryRead(JsonElement root, bool fillsJson, bool takesSchema, out AnthropicOutputFormat format)
    {
        format = default;
        var told = root.Find("response_format"u8);
        switch (told?.ValueKind == JsonValueKind.Object ? told.Value.FindText("type"u8) : null)
        {
            case null when told is null && fillsJson:
            case "json_object":
                format = new AnthropicOutputFormat(null, AnswerJson);
                return null;
            case "json_schema":
                var wrapper = told!.Value.Find("json_schema"u8);
                if (wrapper is not { ValueKind: JsonValueKind.Object } || wrapper.Value.Find("schema"u8) is not { ValueKind: JsonValueKind.Object } schema)
                {
                    return Invalid("response_format.json_schema.schema", "A JSON schema object is needed.");
                }

                format = takesSchema
                    ? new AnthropicOutputFormat(schema, null)
                    : new AnthropicOutputFormat(null, $"{AnswerJson} It must be valid against this JSON schema:\n{schema.GetRawText()}");
                return null;
            case "text":
            case null when told is null:
                return null;
            default:
                return Invalid("response_format.type", "It must be text, json_object or json_schema.");
        }
    }

    private static ProviderCall Invalid(string param, string message) => ProviderCall.Refuse(GatewayError.InvalidMember(param, message));
}
