using System.Buffers;
using System.Text.Json;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Providers;

/// <summary>Anthropic's own count of a prompt: the body of <c>/v1/messages/count_tokens</c>, and its answer.</summary>
internal static class AnthropicTokenCount
{
    /// <summary>What makes up a prompt. All else of a request (its limit, its sampling) is refused there.</summary>
    private static readonly string[] Members =
        ["model", "messages", "system", "tools", "tool_choice", "thinking", "output_config", "output_format", "context_management", "mcp_servers", "cache_control"];

    /// <summary>The body of a request for messages, without what the count does not take.</summary>
    public static ReadOnlyMemory<byte> Write(ReadOnlyMemory<byte> request)
    {
        using var document = JsonDocument.Parse(request, OpenAiJson.Reading);
        var output = new ArrayBufferWriter<byte>(request.Length);
        using var writer = new Utf8JsonWriter(output, OpenAiJson.Writing);
        writer.WriteStartObject();
        foreach (var name in Members)
        {
            if (document.RootElement.TryGetProperty(name, out var value))
            {
                writer.WritePropertyName(name);
                value.WriteTo(writer);
            }
        }

        writer.WriteEndObject();
        writer.Flush();
        return output.WrittenMemory;
    }

    public static long? Read(ReadOnlyMemory<byte> answer)
    {
        try
        {
            using var document = JsonDocument.Parse(answer, OpenAiJson.Reading);
            return document.RootElement.ValueKind == JsonValueKind.Object && document.RootElement.TryGetProperty("input_tokens"u8, out var count)
                && count.ValueKind == JsonValueKind.Number && count.TryGetInt64(out var tokens) && tokens >= 0
                ? tokens
                : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
