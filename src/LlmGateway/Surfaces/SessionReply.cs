using System.Buffers;
using System.Text.Json;
using LlmGateway.Model;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Surfaces;

/// <summary>Writes the session API's whole answer.</summary>
internal static class SessionReply
{
    public static byte[]? Write(ReadOnlyMemory<byte> completion, GatewayRequest request, TimeProvider time)
    {
        try
        {
            using var document = JsonDocument.Parse(completion);
            return OpenAiAnswer.TryRead(document.RootElement, out var answer) ? Write(answer, request, time) : null;
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            // Half of a surrogate pair in a string is an InvalidOperationException.
            return null;
        }
    }

    private static byte[] Write(in OpenAiAnswer answer, GatewayRequest request, TimeProvider time)
    {
        var target = (request.Tally.Answer ?? request.Tally.LastAttempt)?.Target;
        var content = answer.Content.IsEmpty ? answer.Refusal : answer.Content;
        var output = new ArrayBufferWriter<byte>(1024);
        using (var writer = new Utf8JsonWriter(output, OpenAiJson.Writing))
        {
            writer.WriteStartObject();
            writer.WriteString("session_id"u8, request.Session!.Id);
            writer.WritePropertyName("response"u8);
            content.WriteTo(writer);
            writer.WriteString("model_used"u8, target?.Model ?? answer.Model);
            WriteToolsUsed(writer, request.ToolTrace);
            writer.WriteStartObject("metadata"u8);
            writer.WriteString("provider"u8, target?.Provider.Name ?? "");
            writer.WriteNumber("tokens_used"u8, request.Tally.Spent().Tokens);
            writer.WriteNumber("response_time"u8, Math.Round(time.GetElapsedTime(request.Tally.Started).TotalMilliseconds, 3));
            WriteToolResults(writer, request.ToolTrace);
            writer.WriteEndObject();
            writer.WriteEndObject();
        }

        return output.WrittenSpan.ToArray();
    }

    private static void WriteToolsUsed(Utf8JsonWriter writer, ToolTrace? trace)
    {
        writer.WriteStartArray("tools_used"u8);
        foreach (var tool in trace?.Used ?? [])
        {
            writer.WriteStringValue(tool);
        }

        writer.WriteEndArray();
    }

    private static void WriteToolResults(Utf8JsonWriter writer, ToolTrace? trace)
    {
        writer.WriteStartArray("tool_results"u8);
        foreach (var result in trace?.Results ?? [])
        {
            writer.WriteStartObject();
            writer.WriteString("tool"u8, result.Tool);
            writer.WriteString("arguments"u8, result.Arguments);
            writer.WriteString("result"u8, result.Text);
            writer.WriteBoolean("is_error"u8, result.IsError);
            writer.WriteNumber("duration"u8, Math.Round(result.Duration.TotalMilliseconds, 3));
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }
}
