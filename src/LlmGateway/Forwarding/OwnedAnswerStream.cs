using System.Runtime.ExceptionServices;
using LlmGateway.Ownership;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Forwarding;

/// <summary>
/// An answer whose new objects get their owner before the client can use them: of a stream each event that tells of one waits until that is
/// kept, of a whole answer the last piece, which is held back for it. The bytes stay as they are.
/// </summary>
/// <param name="source">The answer, watched.</param>
/// <param name="call">Whose answer it is.</param>
/// <param name="objects">What the watch has found.</param>
/// <param name="owners">Where it is kept.</param>
internal sealed class OwnedAnswerStream(Stream source, PassthroughCall call, AnsweredObjects objects, ObjectOwners owners) : ReadOnlyStream
{
    private const int PieceBytes = 16 * 1024;

    private readonly bool _isHeldBack = call.Usage is { IsStream: false };
    private byte[] _next = [];
    private byte[] _other = [];
    private ReadOnlyMemory<byte> _held;
    private ReadOnlyMemory<byte> _ready;
    private ExceptionDispatchInfo? _cut;
    private bool _isOver;

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (!_isHeldBack)
        {
            var read = await source.ReadAsync(buffer, cancellationToken);
            await RememberAsync();
            return read;
        }

        while (_ready.IsEmpty && !_isOver)
        {
            await ReadPieceAsync(cancellationToken);
        }

        if (_ready.IsEmpty)
        {
            _cut?.Throw();
        }

        var count = Math.Min(buffer.Length, _ready.Length);
        _ready[..count].CopyTo(buffer);
        _ready = _ready[count..];
        return count;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            source.Dispose();
        }

        base.Dispose(disposing);
    }

    /// <summary>Makes the piece before the one that is read ready; at the end the last one.</summary>
    private async Task ReadPieceAsync(CancellationToken cancellationToken)
    {
        if (_next.Length == 0)
        {
            _next = new byte[PieceBytes];
        }

        var read = 0;
        try
        {
            read = await source.ReadAsync(_next, cancellationToken);
        }
        catch (Exception exception) when (exception is IOException or HttpRequestException)
        {
            // What came before it goes out first.
            _cut = ExceptionDispatchInfo.Capture(exception);
        }

        await RememberAsync();
        _ready = _held;
        (_held, _isOver) = (_next.AsMemory(0, read), read == 0);

        // They take turns: what is ready has gone out before its buffer is read into again.
        (_next, _other) = (_other, _next);
    }

    private async ValueTask RememberAsync()
    {
        if (objects.TakeFound() is { Count: > 0 } found)
        {
            await owners.RememberAsync(call.Request.Key.Name, found);
        }
    }
}
