using System.Text.Json;
using LlmGateway.Model;

namespace LlmGateway.Admin;

/// <summary>The request that an operator wants explained.</summary>
/// <param name="Agent">As <c>X-Agent-Profile</c> would name it.</param>
/// <param name="Model">As the body would name it.</param>
/// <param name="IsStreaming">Whether it would stream.</param>
/// <param name="HasTools">Whether it would bring tools.</param>
/// <param name="Key">Name of the client key that it would come with; null: nobody's limits apply.</param>
internal sealed record ExplainRequest(string? Agent, string? Model, bool IsStreaming, bool HasTools, string? Key)
{
    private static readonly string[] Members = ["agent", "model", "stream", "tools", "key"];

    private static readonly JsonDocumentOptions Strict = new() { MaxDepth = 64, AllowDuplicateProperties = false };

    public static (ExplainRequest? Request, GatewayError? Error) Read(ReadOnlyMemory<byte> body)
    {
        try
        {
            using var document = JsonDocument.Parse(body, Strict);
            return Read(document.RootElement);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            return (null, GatewayError.Invalid(ErrorCodes.InvalidJson, "The request body is not valid JSON."));
        }
    }

    private static (ExplainRequest? Request, GatewayError? Error) Read(JsonElement root)
    {
        if (root.ValueKind != JsonValueKind.Object)
        {
            return (null, GatewayError.Invalid(ErrorCodes.InvalidJson, "The request body must be a JSON object."));
        }

        var request = new ExplainRequest(null, null, false, false, null);
        foreach (var member in root.EnumerateObject())
        {
            var (name, value) = (member.Name, member.Value);
            if (!Members.Contains(name))
            {
                var shown = name.Length <= 64 ? name : name[..64];
                return (null, GatewayError.InvalidValue(shown, $"Unknown member '{shown}'; known ones: {string.Join(", ", Members)}."));
            }

            if (value.ValueKind == JsonValueKind.Null)
            {
                continue;
            }

            var isSwitch = name is "stream" or "tools";
            if (isSwitch ? value.ValueKind is not (JsonValueKind.True or JsonValueKind.False) : value.ValueKind != JsonValueKind.String)
            {
                return (null, GatewayError.InvalidValue(name, $"Invalid type for '{name}': expected {(isSwitch ? "a boolean" : "a string")}."));
            }

            request = name switch
            {
                "agent" => request with { Agent = value.GetString() },
                "model" => request with { Model = value.GetString() },
                "key" => request with { Key = value.GetString() },
                "stream" => request with { IsStreaming = value.GetBoolean() },
                _ => request with { HasTools = value.GetBoolean() },
            };
        }

        return (request, null);
    }
}
