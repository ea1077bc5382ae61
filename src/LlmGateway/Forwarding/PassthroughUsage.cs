using System.Text.Json;
using LlmGateway.Model;
using LlmGateway.Ownership;
using LlmGateway.Providers.Wire;
using LlmGateway.Resilience;

namespace LlmGateway.Forwarding;

/// <summary>
/// Watches a copy of an answer go by for the model and the usage that it tells, in any of the shapes of OpenAI's endpoints, and for the objects
/// that it made. It holds a JSON answer up to a limit, of a stream one event; what is larger goes by unread, but for its beginning.
/// </summary>
/// <param name="isStream">Whether it is a stream of events.</param>
/// <param name="objects">Told of what is read; null: no object can be made.</param>
internal sealed class PassthroughUsage(bool isStream, AnsweredObjects? objects = null) : IDisposable
{
    private const int MostBytes = 4 * 1024 * 1024;

    private readonly PooledBuffer _unread = new();
    private readonly SseFramer? _framer = isStream ? new SseFramer() : null;
    private bool _isOver;

    public bool IsStream => _framer is not null;

    public TokenUsage? Tokens { get; private set; }

    public string? Model { get; private set; }

    /// <summary>Bytes of text that a stream has brought so far, for an estimate where it tells no usage.</summary>
    public long OutputBytes { get; private set; }

    public void Watch(ReadOnlySpan<byte> bytes)
    {
        if (_isOver)
        {
            return;
        }

        if (_unread.Length + bytes.Length > MostBytes)
        {
            if (_framer is null)
            {
                objects?.ReadBeginning(_unread.Span);
            }

            Stop();
            return;
        }

        bytes.CopyTo(_unread.GetSpan(bytes.Length));
        _unread.Advance(bytes.Length);
        ReadEvents(isFinal: false);
    }

    /// <summary>The answer is whole.</summary>
    public void End()
    {
        if (_isOver)
        {
            return;
        }

        ReadEvents(isFinal: true);
        if (_framer is null)
        {
            Read(_unread.Span);
        }

        Stop();
    }

    public void Dispose() => Stop();

    private void Stop()
    {
        _isOver = true;
        _unread.Release();
    }

    private void ReadEvents(bool isFinal)
    {
        while (_framer is not null)
        {
            var hasEvent = _framer.TryRead(_unread.Span, isFinal, out var next, out var consumed);
            if (hasEvent && (next.Data.IndexOf("\"usage\""u8) >= 0 || (objects is { WantsEvents: true } && next.Data.IndexOf("\"id\""u8) >= 0)))
            {
                Read(next.Data);
            }

            if (hasEvent && next.Data.IndexOf("\"delta\""u8) >= 0)
            {
                CountDelta(next.Data);
            }

            _unread.Consume(consumed);
            if (!hasEvent)
            {
                return;
            }
        }
    }

    private void CountDelta(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json);
        try
        {
            while (reader.Read())
            {
                if (reader.TokenType == JsonTokenType.PropertyName && reader.CurrentDepth == 1 && reader.ValueTextEquals("delta"u8))
                {
                    reader.Read();
                    OutputBytes += reader.TokenType == JsonTokenType.String ? reader.ValueSpan.Length : 0;
                    return;
                }
            }
        }
        catch (JsonException)
        {
            // What cannot be read tells nothing.
        }
    }

    private void Read(ReadOnlySpan<byte> json)
    {
        try
        {
            var reader = new Utf8JsonReader(json);
            using var document = JsonDocument.ParseValue(ref reader);
            var root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object)
            {
                return;
            }

            objects?.Read(root);

            // Events of /v1/responses hold the response as a member.
            ReadObject(root);
            if (root.Find("response"u8) is { ValueKind: JsonValueKind.Object } response)
            {
                ReadObject(response);
            }
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            // What cannot be read tells nothing; the client gets it all the same.
        }
    }

    private void ReadObject(JsonElement answer)
    {
        Model = answer.FindText("model"u8) is { Length: > 0 and <= 128 } model ? model : Model;
        if (answer.Find("usage"u8) is not { ValueKind: JsonValueKind.Object } usage)
        {
            return;
        }

        var input = Count(usage, "input_tokens"u8) ?? Count(usage, "prompt_tokens"u8);
        if (input is null)
        {
            return;
        }

        var tokens = new TokenUsage(
            input.Value,
            Count(usage, "output_tokens"u8) ?? Count(usage, "completion_tokens"u8) ?? 0,
            Detail(usage, "input_tokens_details"u8, "prompt_tokens_details"u8, "cached_tokens"u8),
            Detail(usage, "output_tokens_details"u8, "completion_tokens_details"u8, "reasoning_tokens"u8));
        if (tokens is { IsSane: true, Total: > 0 })
        {
            Tokens = tokens;
        }
    }

    private static long Detail(JsonElement usage, ReadOnlySpan<byte> name, ReadOnlySpan<byte> otherName, ReadOnlySpan<byte> member) =>
        (usage.Find(name) ?? usage.Find(otherName)) is { ValueKind: JsonValueKind.Object } details ? Count(details, member) ?? 0 : 0;

    private static long? Count(JsonElement parent, ReadOnlySpan<byte> name) =>
        parent.Find(name) is { ValueKind: JsonValueKind.Number } value && value.TryGetInt64(out var count) ? count : null;
}
