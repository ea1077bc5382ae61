using System.Text.Json;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Providers;

/// <summary>Many compatible servers know <c>system</c> and not the newer <c>developer</c>.</summary>
internal static class OpenAiRoles
{
    public static void ReplaceDeveloper(JsonEdits body, JsonElement message)
    {
        if (message.Find("role"u8) is { ValueKind: JsonValueKind.String } role && role.ValueEquals("developer"u8))
        {
            body.Replace(role, "\"system\"");
        }
    }
}
