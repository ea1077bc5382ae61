using System.Buffers;
using System.Text.Json;
using LlmGateway.Model;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Providers;

/// <summary>
/// Passes OpenAI's events on as they are and watches them: for the first token, the finish, usage, and errors. If the client did not ask for
/// usage, it is cut out of each chunk, and a chunk that holds nothing else is dropped. If it did, usage that comes with the finish is moved
/// to a chunk of its own, where OpenAI's clients look for it.
/// </summary>
/// <param name="request">The client's request.</param>
/// <param name="editor">Evens out what the server does otherwise than OpenAI; null: nothing, and nothing is touched.</param>
internal sealed class OpenAiStreamRelay(GatewayRequest request, OpenAiAnswerEditor? editor = null) : StreamTranslator(WireFraming.ServerSentEvents)
{
    private readonly bool _hidesUsage = request.HidesStreamUsage;
    private ulong _choicesSeen;
    private ulong _choicesFinished;
    private byte[]? _firstChunk;
    private JsonElement? _usageToMove;
    private bool _hasUsageChunk;

    public override void OnEvent(in WireEvent wireEvent, IBufferWriter<byte> output)
    {
        var data = wireEvent.Data;
        if (data.IsEmpty)
        {
            // A comment. Before the first token there is nobody to keep alive, and a flood of them must not pile up.
            if (HasFirstToken)
            {
                output.Write(wireEvent.Raw);
            }

            return;
        }

        if (data.TrimStart((byte)' ').StartsWith("[DONE]"u8))
        {
            IsDone = true;
            return;
        }

        if (editor is null || !editor.IsConcerned(data))
        {
            Take(wireEvent, output);
            return;
        }

        var edited = editor.Edit(data.ToArray());
        Take(edited.Span.SequenceEqual(data) ? wireEvent : new WireEvent((byte[])[.. "data: "u8, .. edited.Span, .. "\n\n"u8], edited.Span, wireEvent.Name), output);
    }

    public override void OnEnd(IBufferWriter<byte> output)
    {
        if (_usageToMove is { } moved && !_hasUsageChunk)
        {
            WriteUsageChunk(moved.WriteTo, output);
        }
        else if (!_hidesUsage && Usage is null && EstimatedUsage is { } estimate && request.Scan.IncludeUsage is true)
        {
            WriteUsageChunk(json => WriteUsage(json, estimate), output);
        }

        output.Write("data: [DONE]\n\n"u8);
    }

    private void Take(in WireEvent wireEvent, IBufferWriter<byte> output)
    {
        var data = wireEvent.Data;
        var chunk = new OpenAiChunk();
        if (!chunk.TryRead(data))
        {
            FailInvalid("a stream event was not valid JSON");
            return;
        }

        // vLLM's older errors are flat; only what has no choices is looked at again.
        if (chunk.IsError || wireEvent.Name.SequenceEqual("error"u8) || (chunk.Choices == 0 && OpenAiErrorReader.IsFlatError(data)))
        {
            Error = OpenAiErrorReader.Read(200, data);
            return;
        }

        Note(chunk, data);
        if (request.Scan.IncludeUsage is true && chunk.Usage is not null)
        {
            _hasUsageChunk |= chunk.Choices == 0;
            if (chunk.FinishedChoices != 0)
            {
                var reader = new Utf8JsonReader(data);
                using var finish = JsonDocument.ParseValue(ref reader);
                _usageToMove = finish.RootElement.GetProperty("usage"u8).Clone();
                WriteWithout(chunk.UsageMember, wireEvent, output);
                return;
            }
        }

        if (!_hidesUsage || chunk.UsageMember.IsEmpty)
        {
            output.Write(wireEvent.Raw);
            CloseEvent(wireEvent.Raw, output);
        }
        else if (!chunk.IsUsageOnly)
        {
            WriteWithout(chunk.UsageMember, wireEvent, output);
        }
    }

    private void Note(in OpenAiChunk chunk, ReadOnlySpan<byte> data)
    {
        if (_firstChunk is null && request.Scan.IncludeUsage is true)
        {
            _firstChunk = data.ToArray();
        }

        _choicesSeen |= chunk.Choices;
        _choicesFinished |= chunk.FinishedChoices;
        HasFirstToken |= chunk.HasOutput || chunk.FinishedChoices != 0;
        HasFinish = _choicesSeen != 0 && _choicesFinished == _choicesSeen;
        Usage = chunk.Usage ?? Usage;
        CountOutput(chunk.OutputBytes);
    }

    /// <summary>A last event may come without its blank line: another may still follow here, so it gets one.</summary>
    private static void CloseEvent(ReadOnlySpan<byte> raw, IBufferWriter<byte> output)
    {
        if (!raw.EndsWith("\n\n"u8) && !raw.EndsWith("\n\r\n"u8) && !raw.EndsWith("\r\r"u8))
        {
            output.Write("\n\n"u8);
        }
    }

    /// <summary>Writes the event without one member of its JSON; all other bytes stay.</summary>
    private static void WriteWithout(JsonRange member, in WireEvent wireEvent, IBufferWriter<byte> output)
    {
        if (wireEvent.Raw.Overlaps(wireEvent.Data, out var offset))
        {
            output.Write(wireEvent.Raw[..(offset + member.Start)]);
            output.Write(wireEvent.Raw[(offset + member.End)..]);
            CloseEvent(wireEvent.Raw, output);
            return;
        }

        // Several data lines: line ends stand only between JSON tokens, where a space is as good.
        output.Write("data: "u8);
        var written = output.GetSpan(wireEvent.Data.Length);
        var before = wireEvent.Data[..member.Start];
        var after = wireEvent.Data[member.End..];
        before.CopyTo(written);
        after.CopyTo(written[before.Length..]);
        var length = before.Length + after.Length;
        written[..length].Replace((byte)'\n', (byte)' ');
        output.Advance(length);
        output.Write("\n\n"u8);
    }

    private static void WriteUsage(Utf8JsonWriter json, TokenUsage usage)
    {
        json.WriteStartObject();
        json.WriteNumber("prompt_tokens"u8, usage.Input);
        json.WriteNumber("completion_tokens"u8, usage.Output);
        json.WriteNumber("total_tokens"u8, usage.Total);
        json.WriteEndObject();
    }

    /// <summary>The usage chunk that the provider owed, under the id and model of the stream.</summary>
    private void WriteUsageChunk(Action<Utf8JsonWriter> writeUsage, IBufferWriter<byte> output)
    {
        string id = "", model = "";
        long created = 0;
        if (_firstChunk is not null)
        {
            using var first = JsonDocument.Parse(_firstChunk);
            id = first.RootElement.TryGetProperty("id", out var value) && value.ValueKind == JsonValueKind.String ? value.GetString()! : "";
            model = first.RootElement.TryGetProperty("model", out value) && value.ValueKind == JsonValueKind.String ? value.GetString()! : "";
            created = first.RootElement.TryGetProperty("created", out value) && value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var at) ? at : 0;
        }

        output.Write("data: "u8);
        using (var json = new Utf8JsonWriter(output))
        {
            json.WriteStartObject();
            json.WriteString("id"u8, id);
            json.WriteString("object"u8, request.Operation == Operation.Completions ? "text_completion"u8 : "chat.completion.chunk"u8);
            json.WriteNumber("created"u8, created);
            json.WriteString("model"u8, model);
            json.WriteStartArray("choices"u8);
            json.WriteEndArray();
            json.WritePropertyName("usage"u8);
            writeUsage(json);
            json.WriteEndObject();
        }

        output.Write("\n\n"u8);
    }
}
