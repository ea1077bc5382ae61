using System.Buffers;
using System.Text.Json;
using LlmGateway.Model;
using LlmGateway.Providers;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Resilience;

/// <summary>
/// A streamed answer as the client gets it: reads the provider's bytes, cuts them into events, has them translated, and ends as the provider
/// ended: whole with <c>[DONE]</c>, or with one error event. First the attempt waits on it for the first token; then the hinge copies it.
/// </summary>
internal sealed class TranslatedStream : Stream
{
    private const int ReadSize = 16 * 1024;

    private readonly Stream _source;
    private readonly StreamTranslator _translator;
    private readonly WireFramer _framer;
    private readonly AttemptDeadline _deadline;
    private readonly AttemptReport _report;
    private readonly HttpResponseMessage _response;
    private readonly PooledBuffer _input = new();
    private readonly PooledBuffer _output = new();
    private readonly TimeSpan _idleLimit;
    private AttemptFailure? _failure;
    private bool _hasEvents;
    private bool _hasEnded;
    private bool _isOpen;
    private bool _isPaused;
    private int _isDisposed;

    public TranslatedStream(HttpResponseMessage response, Stream source, StreamTranslator translator, AttemptDeadline deadline, TimeSpan idleLimit, AttemptReport report)
    {
        _response = response;
        _source = source;
        _translator = translator;
        _framer = WireFramer.For(translator.Framing);
        _deadline = deadline;
        _idleLimit = idleLimit;
        _report = report;
    }

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <summary>Reads up to the first token and holds it; until then every failure is returned and nothing is lost on the client.</summary>
    public async ValueTask<AttemptFailure?> WaitForFirstTokenAsync(CancellationToken cancellationToken)
    {
        while (!_translator.HasFirstToken && !_hasEnded)
        {
            await PumpAsync(cancellationToken);
        }

        if (_failure is not null)
        {
            _output.Release();
            return _failure;
        }

        _isOpen = true;
        _report.NoteFirstToken();
        Pause();
        return null;
    }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_output.Length > 0)
        {
            return new(buffer.IsEmpty ? 0 : _output.MoveTo(buffer.Span));
        }

        return _hasEnded ? new(0) : ReadMoreAsync(buffer, cancellationToken);
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("The stream is read asynchronously.");

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing && Interlocked.Exchange(ref _isDisposed, 1) == 0)
        {
            // Whoever stops reading before the end has gone away; the provider's connection closes with the response.
            _report.End(FailureReason.Cancelled, _translator);
            _response.Dispose();
            _deadline.Dispose();
            _input.Release();
            _output.Release();
        }

        base.Dispose(disposing);
    }

    private async ValueTask<int> ReadMoreAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        // A zero-byte read is answered when there is something to read (YARP waits so, without holding a buffer).
        Resume();
        while (_output.Length == 0 && !_hasEnded)
        {
            await PumpAsync(cancellationToken);
        }

        Pause();
        return buffer.IsEmpty ? 0 : _output.MoveTo(buffer.Span);
    }

    private void Pause()
    {
        _isPaused = true;
        _deadline.Pause();
    }

    private void Resume()
    {
        if (_isPaused)
        {
            _isPaused = false;
            _deadline.Resume();
        }
    }

    /// <summary>One read from the provider, and all that follows from it.</summary>
    private async ValueTask PumpAsync(CancellationToken cancellationToken)
    {
        int read;
        try
        {
            if (_input.Length == 0)
            {
                // Holds no buffer while the provider is silent.
                _ = await _source.ReadAsync(Memory<byte>.Empty, _deadline.Token);
            }

            read = await _source.ReadAsync(_input.GetMemory(ReadSize), _deadline.Token);
            _input.Advance(read);
            if (read == 0 && _input.Length == 0)
            {
                _input.Release();
            }
        }
        catch (OperationCanceledException) when (_deadline.HasTimedOut && !cancellationToken.IsCancellationRequested)
        {
            Fail(new AttemptFailure(FailureReason.Timeout));
            return;
        }
        catch (OperationCanceledException)
        {
            _report.End(FailureReason.Cancelled, _translator);
            throw;
        }
        catch (Exception exception) when (exception is IOException or HttpRequestException)
        {
            // Cut by the provider or on the way; what came before the cut was whole events.
            EndOfBody(isCut: true);
            return;
        }

        Translate(isFinal: read == 0);
        if (!_hasEnded && read == 0)
        {
            EndOfBody(isCut: false);
        }
    }

    private void Translate(bool isFinal)
    {
        var tokens = _translator.TokensSeen;
        while (true)
        {
            if (!_framer.TryRead(_input.Span, isFinal, out var wireEvent, out var consumed))
            {
                _input.Consume(consumed);
                break;
            }

            _hasEvents |= !wireEvent.Data.IsEmpty;
            _translator.OnEvent(wireEvent, _output);
            _input.Consume(consumed);
            if (_translator.Error is { } error)
            {
                Fail(new AttemptFailure(FailureClassifier.Classify(error), error.Status) { Error = error });
                return;
            }

            if (_translator.IsDone)
            {
                EndOfBody(isCut: false);
                return;
            }
        }

        if (_translator.TokensSeen != tokens)
        {
            _deadline.Restart(_idleLimit);
        }

        if (_input.Length > WireFramer.MaxEventBytes || (!_isOpen && _output.Length > WireFramer.MaxEventBytes))
        {
            Fail(new AttemptFailure(FailureReason.InvalidResponse));
        }
    }

    private void EndOfBody(bool isCut)
    {
        if (_translator.HasFirstToken && (_translator.HasFinish || (_translator.IsDone && !isCut)))
        {
            _translator.EstimatedUsage = _report.Estimate(_translator);
            _translator.OnEnd(_output);
            Finish(FailureReason.None);
            return;
        }

        // A clean end without a finish reason is a cut all the same; one without any event was no answer at all.
        var isEmpty = !isCut && (!_hasEvents || _translator.IsDone);
        Fail(new AttemptFailure(isEmpty ? FailureReason.InvalidResponse : FailureReason.Connection));
    }

    private void Fail(AttemptFailure failure)
    {
        _failure = failure;
        if (_isOpen || _translator.HasFirstToken)
        {
            _isOpen = true;
            _failure = null;
            WriteErrorEvent(failure.Reason);
        }

        Finish(failure.Reason);
    }

    private void Finish(FailureReason outcome)
    {
        _hasEnded = true;
        _input.Release();
        _report.End(outcome, _translator);
        _response.Dispose();
    }

    /// <summary>The one event that ends a broken stream: an SDK raises it as an error, and no text that came before looks complete.</summary>
    private void WriteErrorEvent(FailureReason reason)
    {
        var what = reason switch
        {
            FailureReason.Timeout => "went silent",
            FailureReason.Connection => "broke off",
            FailureReason.InvalidResponse => "sent something that is no answer",
            _ => "reported an error",
        };
        _output.Write("data: "u8);
        using (var json = new Utf8JsonWriter(_output))
        {
            json.WriteStartObject();
            json.WriteStartObject("error"u8);
            json.WriteString("message"u8, $"Provider '{_report.Target.Provider.Name}' {what} in the middle of the stream ({reason.ToName()}); the answer is incomplete. Send the request again.");
            json.WriteString("type"u8, ErrorTypes.Api);
            json.WriteNull("param"u8);
            json.WriteString("code"u8, ErrorCodes.UpstreamStreamError);
            json.WriteEndObject();
            json.WriteEndObject();
        }

        _output.Write("\n\n"u8);
    }
}
