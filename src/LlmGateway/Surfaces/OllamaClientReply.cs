using System.Buffers;
using System.Text;
using System.Text.Json;
using LlmGateway.Model;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Surfaces;

/// <summary>Turns a whole completion into Ollama's object.</summary>
internal static class OllamaClientReply
{
    public static byte[]? Write(ReadOnlyMemory<byte> completion, GatewayRequest request, bool isChat, TimeProvider time)
    {
        try
        {
            using var document = JsonDocument.Parse(completion);
            return OpenAiAnswer.TryRead(document.RootElement, out var answer) ? Write(answer, request, isChat, time) : null;
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            // Half of a surrogate pair in a string is an InvalidOperationException.
            return null;
        }
    }

    /// <summary>The answer to a request without a prompt.</summary>
    public static byte[] WriteLoaded(string model, string reason, bool isChat, TimeProvider time)
    {
        var output = new ArrayBufferWriter<byte>(256);
        using var line = new OllamaClientLine(output, isChat, WireText.Plain(Encoding.UTF8.GetBytes(model)), time.GetUtcNow());
        line.WriteSaid(WireText.None, WireText.None, null);
        line.EndDone(reason, null, default);
        return output.WrittenSpan.ToArray();
    }

    public static byte[] WriteError(string message)
    {
        var output = new ArrayBufferWriter<byte>(256);
        using var writer = new Utf8JsonWriter(output, OpenAiJson.Writing);
        writer.WriteStartObject();
        writer.WriteString("error"u8, message);
        writer.WriteEndObject();
        writer.Flush();
        return output.WrittenSpan.ToArray();
    }

    public static string DoneReason(string? finish) => finish == "length" ? "length" : "stop";

    private static byte[] Write(in OpenAiAnswer answer, GatewayRequest request, bool isChat, TimeProvider time)
    {
        var output = new ArrayBufferWriter<byte>(1024);
        using var line = new OllamaClientLine(output, isChat, WireText.Plain(Encoding.UTF8.GetBytes(answer.Model)), time.GetUtcNow());
        line.WriteSaid(
            answer.Content.IsEmpty ? answer.Refusal : answer.Content,
            request.ShowsReasoning ? answer.Reasoning : WireText.None,
            [.. answer.ToolCalls.Select(call => new OllamaClientToolCall(
                call.FindText("id"u8) ?? "",
                call.GetProperty("function"u8).FindText("name"u8) ?? "",
                call.GetProperty("function"u8).FindText("arguments"u8)))]);
        line.EndDone(DoneReason(answer.Finish), answer.Usage ?? request.Tally.Answer?.Usage ?? TokenEstimate.Of(request, 0), OllamaClientTimes.Of(request, time));
        return output.WrittenSpan.ToArray();
    }
}
