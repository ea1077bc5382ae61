using System.Buffers;
using System.Text;
using System.Text.Json;
using LlmGateway.Model;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Surfaces;

/// <summary>Turns a whole completion into a message.</summary>
internal static class AnthropicClientReply
{
    public static byte[]? Write(ReadOnlyMemory<byte> completion, GatewayRequest request, string id)
    {
        try
        {
            using var document = JsonDocument.Parse(completion);
            return OpenAiAnswer.TryRead(document.RootElement, out var answer) ? Write(answer, request, id, completion.Length) : null;
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            // Half of a surrogate pair in a string is an InvalidOperationException.
            return null;
        }
    }

    private static byte[] Write(in OpenAiAnswer answer, GatewayRequest request, string id, int length)
    {
        var output = new ArrayBufferWriter<byte>(length + 512);
        using var writer = new Utf8JsonWriter(output, OpenAiJson.Writing);
        writer.WriteStartObject();
        AnthropicClientMessageWriter.WriteHead(writer, id, WireText.Plain(Encoding.UTF8.GetBytes(answer.Model)));
        writer.WriteStartArray("content"u8);
        if (request.ShowsReasoning && !answer.Reasoning.IsEmpty)
        {
            AnthropicClientMessageWriter.WriteThinkingBlock(writer, answer.Reasoning);
        }

        if (!answer.Content.IsEmpty)
        {
            AnthropicClientMessageWriter.WriteTextBlock(writer, answer.Content);
        }

        if (!answer.Refusal.IsEmpty)
        {
            AnthropicClientMessageWriter.WriteTextBlock(writer, answer.Refusal);
        }

        var hasTools = false;
        foreach (var call in answer.ToolCalls)
        {
            hasTools = true;
            var function = call.GetProperty("function"u8);
            AnthropicClientMessageWriter.BeginToolUse(writer, call.FindText("id"u8) ?? "", function.FindText("name"u8) ?? "");
            ToolArguments.Write(writer, function.FindText("arguments"u8));
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        AnthropicClientMessageWriter.WriteStop(writer, answer.Refusal.IsEmpty ? AnthropicClientMessageWriter.StopReason(answer.Finish, hasTools) : "refusal");
        writer.WriteNull("diagnostics"u8);
        AnthropicClientMessageWriter.WriteUsage(writer, answer.Usage ?? request.Tally.Answer?.Usage ?? TokenEstimate.Of(request, 0), isDelta: false);
        writer.WriteEndObject();
        writer.Flush();
        return output.WrittenSpan.ToArray();
    }
}
