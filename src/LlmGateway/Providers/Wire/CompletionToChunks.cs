using System.Buffers;
using System.Runtime.InteropServices;
using System.Text.Json;
using LlmGateway.Model;

namespace LlmGateway.Providers.Wire;

/// <summary>Turns a whole OpenAI completion into the stream that the client asked for, for providers that answer <c>stream:true</c> with plain JSON.</summary>
internal static class CompletionToChunks
{
    /// <summary>Writes the whole stream, <c>[DONE]</c> included.</summary>
    /// <param name="completion">The completion, in OpenAI's form.</param>
    /// <param name="tellsUsage">Whether the client asked for usage.</param>
    /// <param name="usage">Told to a client that asked; null: none is known.</param>
    /// <param name="output">Where the events go; what it holds after a refusal is worthless.</param>
    /// <returns>False where it is no completion, or one that does not say why it stopped: an end is never invented.</returns>
    public static bool TryWrite(ReadOnlyMemory<byte> completion, bool tellsUsage, TokenUsage? usage, IBufferWriter<byte> output)
    {
        try
        {
            using var document = JsonDocument.Parse(completion, OpenAiJson.Reading);
            return TryWrite(document.RootElement, tellsUsage, usage, output);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return false;
        }
    }

    private static bool TryWrite(JsonElement root, bool tellsUsage, TokenUsage? usage, IBufferWriter<byte> output)
    {
        if (root.ValueKind != JsonValueKind.Object || !root.TryGetProperty("choices"u8, out var choices) ||
            choices.ValueKind != JsonValueKind.Array || choices.GetArrayLength() == 0)
        {
            return false;
        }

        if (choices[0].ValueKind == JsonValueKind.Object && choices[0].TryGetProperty("text"u8, out _))
        {
            return TextCompletion.TryWriteEvents(root, tellsUsage, usage, output);
        }

        var stamp = new CompletionStamp(
            Text(root, "id"u8) ?? "",
            root.TryGetProperty("created"u8, out var created) && created.ValueKind == JsonValueKind.Number && created.TryGetInt64(out var time) ? time : 0,
            Text(root, "model"u8) ?? "",
            choices.EnumerateArray().Any(choice => FunctionCall(choice) is not null));
        var chunks = new OpenAiChunkWriter(stamp, tellsUsage);
        var position = 0;
        foreach (var choice in choices.EnumerateArray())
        {
            if (!TryWriteChoice(choice, position++, chunks, output))
            {
                return false;
            }
        }

        if (tellsUsage && usage is { } known)
        {
            chunks.WriteUsage(output, known);
        }

        OpenAiChunkWriter.WriteDone(output);
        return true;
    }

    private static bool TryWriteChoice(JsonElement choice, int position, OpenAiChunkWriter chunks, IBufferWriter<byte> output)
    {
        if (choice.ValueKind != JsonValueKind.Object || !choice.TryGetProperty("message"u8, out var message) ||
            message.ValueKind != JsonValueKind.Object || !FinishReasons.TryParse(Text(choice, "finish_reason"u8), out var reason))
        {
            return false;
        }

        chunks.Choice = choice.TryGetProperty("index"u8, out var index) && index.ValueKind == JsonValueKind.Number && index.TryGetInt32(out var number)
            ? number
            : position;
        chunks.WriteRole(output);
        var reasoning = Raw(message, "reasoning_content"u8);
        if (reasoning.IsEmpty)
        {
            reasoning = Raw(message, "reasoning"u8);
        }

        if (!reasoning.IsEmpty)
        {
            chunks.WriteReasoning(output, reasoning);
        }

        var logprobs = choice.TryGetProperty("logprobs"u8, out var told) && told.ValueKind == JsonValueKind.Object
            ? JsonMarshal.GetRawUtf8Value(told)
            : default;
        var content = Raw(message, "content"u8);
        if (!content.IsEmpty || !logprobs.IsEmpty)
        {
            chunks.WriteContent(output, content, logprobs);
        }

        var refusal = Raw(message, "refusal"u8);
        if (!refusal.IsEmpty)
        {
            chunks.WriteRefusal(output, refusal);
        }

        if (message.TryGetProperty("tool_calls"u8, out var calls) && calls.ValueKind == JsonValueKind.Array && !TryWriteToolCalls(calls, chunks, output))
        {
            return false;
        }

        if (FunctionCall(choice) is { } function)
        {
            chunks.WriteToolCallStart(output, 0, WireText.None, Raw(function, "name"u8));
            chunks.WriteToolCallArguments(output, 0, Raw(function, "arguments"u8));
        }

        chunks.WriteFinish(output, reason);
        return true;
    }

    private static bool TryWriteToolCalls(JsonElement calls, OpenAiChunkWriter chunks, IBufferWriter<byte> output)
    {
        var index = 0;
        foreach (var call in calls.EnumerateArray())
        {
            if (call.ValueKind != JsonValueKind.Object || !call.TryGetProperty("function"u8, out var function) ||
                function.ValueKind != JsonValueKind.Object || Raw(function, "name"u8).IsEmpty)
            {
                return false;
            }

            chunks.WriteToolCallStart(output, index, Raw(call, "id"u8), Raw(function, "name"u8));
            chunks.WriteToolCallArguments(output, index, Raw(function, "arguments"u8));
            index++;
        }

        return true;
    }

    /// <summary>The call in its deprecated form; null where there is none.</summary>
    private static JsonElement? FunctionCall(JsonElement choice) =>
        choice.ValueKind == JsonValueKind.Object && choice.TryGetProperty("message"u8, out var message) && message.ValueKind == JsonValueKind.Object &&
        message.TryGetProperty("function_call"u8, out var call) && call.ValueKind == JsonValueKind.Object
            ? call
            : null;

    private static string? Text(JsonElement parent, ReadOnlySpan<byte> name) =>
        parent.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static WireText Raw(JsonElement parent, ReadOnlySpan<byte> name) =>
        parent.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String
            ? WireText.Json(JsonMarshal.GetRawUtf8Value(value))
            : WireText.None;
}
