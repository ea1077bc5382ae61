using System.Buffers;
using System.Diagnostics;
using System.IO.Pipelines;
using System.Text;

namespace LlmGateway.FunctionalTests.Infrastructure;

/// <summary>
/// Reads a stream of events the way a strict client does: LF only, no event without its blank line, comments set aside. Events are handed
/// out as they come; all bytes are kept.
/// </summary>
internal sealed class SseReader(Stream stream) : IAsyncDisposable
{
    private static readonly byte[] BlankLine = "\n\n"u8.ToArray();

    private readonly PipeReader _reader = PipeReader.Create(stream);
    private readonly ArrayBufferWriter<byte> _all = new();
    private int _order;

    /// <summary>Every byte of the body so far.</summary>
    public byte[] AllBytes => _all.WrittenSpan.ToArray();

    public string AllText => Encoding.UTF8.GetString(_all.WrittenSpan);

    /// <summary>Comment lines met so far.</summary>
    public List<string> Comments { get; } = [];

    public static async Task<SseReader> OpenAsync(HttpResponseMessage response, CancellationToken cancellation = default)
    {
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType?.MediaType);
        return new SseReader(await response.Content.ReadAsStreamAsync(cancellation));
    }

    /// <summary>The next event; null at the stream's orderly end. A body that ends inside an event is an error.</summary>
    public async Task<SseEvent?> NextAsync(TimeSpan? limit = null)
    {
        using var deadline = new CancellationTokenSource(limit ?? Eventually.DefaultLimit);
        while (true)
        {
            var read = await _reader.ReadAsync(deadline.Token);
            if (TryTake(read.Buffer, out var raw))
            {
                if (Parse(raw) is { } next)
                {
                    return next;
                }

                continue;
            }

            _reader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
            if (read.IsCompleted)
            {
                return read.Buffer.IsEmpty ? null : throw new InvalidDataException("The stream ends inside an event: " + Encoding.UTF8.GetString(read.Buffer));
            }
        }
    }

    public async Task<List<SseEvent>> ReadToEndAsync(TimeSpan? limit = null)
    {
        var events = new List<SseEvent>();
        while (await NextAsync(limit) is { } next)
        {
            events.Add(next);
        }

        return events;
    }

    public ValueTask DisposeAsync() => _reader.CompleteAsync();

    private bool TryTake(ReadOnlySequence<byte> buffer, out byte[] raw)
    {
        var reader = new SequenceReader<byte>(buffer);
        if (!reader.TryReadTo(out ReadOnlySequence<byte> _, BlankLine))
        {
            raw = [];
            return false;
        }

        raw = buffer.Slice(0, reader.Position).ToArray();
        _all.Write(raw);
        _reader.AdvanceTo(reader.Position);
        return true;
    }

    private SseEvent? Parse(byte[] raw)
    {
        string? name = null;
        var data = new List<string>();
        foreach (var line in Encoding.UTF8.GetString(raw).Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            var (field, value) = line.IndexOf(':', StringComparison.Ordinal) is var colon and >= 0 ? (line[..colon], line[(colon + 1)..]) : (line, "");
            value = value.StartsWith(' ') ? value[1..] : value;
            switch (field)
            {
                case "":
                    Comments.Add(value);
                    break;
                case "event":
                    name = value;
                    break;
                case "data":
                    data.Add(value);
                    break;
                default:
                    throw new InvalidDataException($"A field that no LLM stream has: {line}");
            }
        }

        return data.Count == 0 ? null : new SseEvent(_order++, name, string.Join('\n', data), raw, Stopwatch.GetTimestamp());
    }
}
