using System.Buffers;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Unicode;
using LlmGateway.Model;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Providers;

/// <summary>
/// Reads a Gemini answer, whole or chunk by chunk: every chunk is a whole object of the same type. All parts of a chunk are walked in order;
/// what outlives a chunk (reasons, counts, usage) is kept here.
/// </summary>
internal sealed class GeminiReader(IGeminiSink sink, Func<Guid> newGuid)
{
    /// <summary>An index above this is taken for a mistake.</summary>
    public const int MaxIndex = 1023;

    private readonly List<GeminiCandidate> _candidates = [];
    private readonly GeminiUsage _usage = new();
    private readonly ArrayBufferWriter<byte> _json = new();

    /// <summary>An error that the answer told, or what is wrong with it.</summary>
    public ProviderError? Error { get; private set; }

    /// <summary>By their index.</summary>
    public IReadOnlyList<GeminiCandidate> Candidates => _candidates;

    /// <summary>Whether each candidate has said why it ended.</summary>
    public bool IsComplete => _candidates.Count > 0 && _candidates.TrueForAll(static candidate => candidate.Ended is not null);

    /// <summary>Usage as far as it has been told; null while it has not.</summary>
    public TokenUsage? Usage => _usage.Read(_candidates.Exists(static candidate => candidate.HasOutput));

    /// <summary>Reads one object, or a list of them (a stream without <c>alt=sse</c>, an error); false where the bytes are neither.</summary>
    public bool TryRead(ReadOnlySpan<byte> json)
    {
        if (!Utf8.IsValid(json))
        {
            return false;
        }

        try
        {
            if (GeminiTextChunk.TryRead(json, _usage, out var plain))
            {
                Tell(Candidate(plain.Index), plain.Text.Of(json), plain.IsThought, default);
                return true;
            }

            // A document over memory is read through once; over a reader it would be twice.
            _json.ResetWrittenCount();
            _json.Write(json);
            using var document = JsonDocument.Parse(_json.WrittenMemory);
            var root = document.RootElement;
            return root.ValueKind == JsonValueKind.Array ? root.EnumerateArray().All(ReadChunk) : ReadChunk(root);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // The second comes from half a surrogate pair in a string that is read.
            return false;
        }
    }

    private bool ReadChunk(JsonElement chunk)
    {
        if (chunk.ValueKind != JsonValueKind.Object)
        {
            return false;
        }

        if (chunk.Find("error"u8) is { } error)
        {
            Error ??= GeminiErrors.ReadInside(error);
            return true;
        }

        if (chunk.Find("candidates"u8) is { ValueKind: JsonValueKind.Array } candidates)
        {
            var position = 0;
            foreach (var candidate in candidates.EnumerateArray())
            {
                ReadCandidate(candidate, position++);
            }
        }

        if (chunk.Find("promptFeedback"u8) is { ValueKind: JsonValueKind.Object } feedback && feedback.FindText("blockReason"u8) is { Length: > 0 })
        {
            EndBlocked();
        }

        if (chunk.Find("usageMetadata"u8) is { ValueKind: JsonValueKind.Object } usage)
        {
            var reader = new Utf8JsonReader(JsonMarshal.GetRawUtf8Value(usage));
            reader.Read();
            _usage.Note(ref reader);
        }

        return true;
    }

    /// <summary>A blocked prompt has no candidates; a client must get a choice all the same.</summary>
    private void EndBlocked()
    {
        if (_candidates.Count == 0)
        {
            Candidate(0);
        }

        foreach (var candidate in _candidates)
        {
            candidate.End(FinishReason.ContentFilter);
        }
    }

    private void ReadCandidate(JsonElement json, int position)
    {
        if (json.ValueKind != JsonValueKind.Object)
        {
            return;
        }

        var index = json.Find("index"u8) is { ValueKind: JsonValueKind.Number } told && told.TryGetInt32(out var number) && number is >= 0 and <= MaxIndex ? number : position;
        var candidate = Candidate(index);
        if (json.Find("content"u8) is { ValueKind: JsonValueKind.Object } content && content.Find("parts"u8) is { ValueKind: JsonValueKind.Array } parts)
        {
            var logprobs = json.Find("logprobsResult"u8) is { ValueKind: JsonValueKind.Object } result ? GeminiLogprobs.Translate(result) : default;
            foreach (var part in parts.EnumerateArray())
            {
                if (part.ValueKind == JsonValueKind.Object)
                {
                    ReadPart(candidate, part, ref logprobs);
                }
            }
        }

        if (json.FindText("finishReason"u8) is { Length: > 0 } reason)
        {
            End(candidate, reason);
        }
    }

    private void ReadPart(GeminiCandidate candidate, JsonElement part, ref ReadOnlyMemory<byte> logprobs)
    {
        var signature = part.FindText("thoughtSignature"u8);
        if (part.Find("functionCall"u8) is { ValueKind: JsonValueKind.Object } call)
        {
            ReadCall(candidate, call, signature);
            return;
        }

        // With a text or with an empty one at the end of a stream: no content, but wanted back.
        candidate.TextSignature = signature ?? candidate.TextSignature;
        if (part.Find("text"u8) is { ValueKind: JsonValueKind.String } text && JsonMarshal.GetRawUtf8Value(text).Length > 2)
        {
            var isThought = part.Find("thought"u8) is { ValueKind: JsonValueKind.True };
            Tell(candidate, JsonMarshal.GetRawUtf8Value(text), isThought, logprobs);
            logprobs = isThought ? logprobs : default;
        }
        else if (part.Find("inlineData"u8) is { ValueKind: JsonValueKind.Object } inline && inline.FindText("data"u8) is { Length: > 0 } data)
        {
            candidate.HasOutput = true;
            sink.OnImage(candidate, $"data:{inline.FindText("mimeType"u8) ?? "image/png"};base64,{data}");
        }
    }

    private void Tell(GeminiCandidate candidate, ReadOnlySpan<byte> text, bool isThought, ReadOnlyMemory<byte> logprobs)
    {
        candidate.HasOutput = true;
        if (isThought)
        {
            sink.OnThought(candidate, text);
        }
        else
        {
            sink.OnText(candidate, text, logprobs);
        }
    }

    private void ReadCall(GeminiCandidate candidate, JsonElement call, string? signature)
    {
        if (call.Find("name"u8) is not { ValueKind: JsonValueKind.String } name || JsonMarshal.GetRawUtf8Value(name).Length <= 2)
        {
            Fail("A function call in the answer has no name.");
            return;
        }

        candidate.HasOutput = true;
        var id = candidate.AddCall(call.FindText("id"u8), signature, newGuid);
        var arguments = call.Find("args"u8) is { ValueKind: JsonValueKind.Object } args ? CompactJson.Of(JsonMarshal.GetRawUtf8Value(args)) : "{}"u8;
        sink.OnCall(candidate, id, name, arguments);
    }

    private void End(GeminiCandidate candidate, string reason)
    {
        switch (reason)
        {
            case "MAX_TOKENS" or "CONTINUATION":
                candidate.End(FinishReason.Length);
                break;
            case "SAFETY" or "RECITATION" or "BLOCKLIST" or "PROHIBITED_CONTENT" or "SPII" or "LANGUAGE":
            case "IMAGE_SAFETY" or "IMAGE_PROHIBITED_CONTENT" or "IMAGE_RECITATION" or "IMAGE_OTHER":
                candidate.End(FinishReason.ContentFilter);
                break;
            case "MALFORMED_FUNCTION_CALL" or "UNEXPECTED_TOOL_CALL" or "TOO_MANY_TOOL_CALLS" or "MISSING_THOUGHT_SIGNATURE" or "MALFORMED_RESPONSE":
                // The model meant to call and could not: no answer, and the next try may do better.
                Fail($"The model's answer could not be used ({reason}).");
                break;
            default:
                candidate.End(FinishReason.Stop);
                break;
        }
    }

    private void Fail(string message) => Error ??= new ProviderError(200, message) { Reason = FailureReason.InvalidResponse };

    private GeminiCandidate Candidate(int index)
    {
        // There is one, or a handful.
        var at = _candidates.Count;
        while (at > 0 && _candidates[at - 1].Index >= index)
        {
            at--;
        }

        if (at == _candidates.Count || _candidates[at].Index != index)
        {
            _candidates.Insert(at, new GeminiCandidate(index));
        }

        return _candidates[at];
    }
}
