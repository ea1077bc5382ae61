using LlmGateway.Lifecycle;
using LlmGateway.Model;
using LlmGateway.Providers;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Resilience;

/// <summary>
/// A streamed answer as the client gets it: reads the provider's bytes, cuts them into events, has them translated, and ends as the provider
/// ended: whole with <c>[DONE]</c>, or with one error event. First the attempt waits on it for the first token; then the hinge copies it.
/// </summary>
internal sealed class TranslatedStream : PumpedStream
{
    /// <summary>More than any model writes in an hour: a stream that brings more does not end by itself.</summary>
    private const long MaxBytes = 256L * 1024 * 1024;

    private readonly Stream _source;
    private readonly StreamTranslator _translator;
    private readonly WireFramer _framer;
    private readonly AttemptDeadline _deadline;
    private readonly AttemptReport _report;
    private readonly HttpResponseMessage _response;
    private readonly TimeSpan _idleLimit;
    private readonly TimeProvider _time;
    private readonly CancellationToken _keyEnd;
    private AttemptFailure? _failure;
    private long _received;
    private bool _hasEvents;
    private bool _isOpen;
    private bool _isPaused;
    private bool _isClosed;
    private int _isDisposed;

    public TranslatedStream(
        HttpResponseMessage response, Stream source, StreamTranslator translator, AttemptDeadline deadline, TimeSpan idleLimit, AttemptReport report, TimeProvider time, CancellationToken keyEnd = default)
    {
        _time = time;
        _keyEnd = keyEnd;
        _response = response;
        _source = source;
        _translator = translator;
        _framer = WireFramer.For(translator.Framing);
        _deadline = deadline;
        _idleLimit = idleLimit;
        _report = report;
    }

    /// <summary>Reads up to the first token and holds it; until then every failure is returned and nothing is lost on the client.</summary>
    public async ValueTask<AttemptFailure?> WaitForFirstTokenAsync(CancellationToken cancellationToken)
    {
        while (!_translator.HasFirstToken && !HasEnded)
        {
            await PumpAsync(cancellationToken);
        }

        if (_failure is not null)
        {
            Output.Release();
            return _failure;
        }

        _isOpen = true;
        _deadline.EndWith(_keyEnd);
        Pause();
        return null;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing && Interlocked.Exchange(ref _isDisposed, 1) == 0)
        {
            // Whoever stops reading before the end has gone away; the provider's connection closes with the response.
            _report.End(FailureReason.Cancelled, _translator);
            Close(isWhole: false);
            _deadline.Dispose();
        }

        base.Dispose(disposing);
    }

    protected override void Pause()
    {
        _isPaused = true;
        _deadline.Pause();
    }

    protected override void Resume()
    {
        if (_isPaused)
        {
            _isPaused = false;
            _deadline.Resume();
        }
    }

    /// <summary>One read from the provider, and all that follows from it.</summary>
    protected override async ValueTask PumpAsync(CancellationToken cancellationToken)
    {
        int read;
        try
        {
            read = await FillAsync(_source, _deadline.Token);
        }
        catch (OperationCanceledException) when (_deadline.HasTimedOut && !cancellationToken.IsCancellationRequested)
        {
            if (_deadline.IsOwnFault)
            {
                _report.Excuse();
            }

            Fail(new AttemptFailure(FailureReason.Timeout));
            return;
        }
        catch (OperationCanceledException) when (_isOpen && (_deadline.IsEnding || _deadline.IsKeyEnded) && !cancellationToken.IsCancellationRequested)
        {
            _translator.OnFailure(_deadline.IsEnding ? Refusals.ShuttingDown : Refusals.KeyEnded, Output);
            Finish(FailureReason.Cancelled);
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

        _received += read;
        Translate(isFinal: read == 0);
        if (!HasEnded && read == 0)
        {
            EndOfBody(isCut: false);
        }
    }

    private void Translate(bool isFinal)
    {
        var tokens = _translator.TokensSeen;
        while (true)
        {
            if (!_framer.TryRead(Input.Span, isFinal, out var wireEvent, out var consumed))
            {
                Input.Consume(consumed);
                break;
            }

            _hasEvents |= !wireEvent.Data.IsEmpty;
            _translator.OnEvent(wireEvent, Output);
            Input.Consume(consumed);
            if (_translator.HasFirstToken)
            {
                _report.NoteFirstToken();
            }

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

        if (_received > MaxBytes || Input.Length > WireFramer.MaxEventBytes || (!_isOpen && Output.Length > WireFramer.MaxEventBytes))
        {
            Fail(new AttemptFailure(FailureReason.InvalidResponse));
        }
    }

    private void EndOfBody(bool isCut)
    {
        if (_translator.HasFirstToken && (_translator.HasFinish || (_translator.IsDone && !isCut)))
        {
            _translator.EstimatedUsage = _report.Estimate(_translator);
            _translator.OnEnd(Output);
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
            _translator.OnFailure(new GatewayError(502, ErrorTypes.Api, ErrorCodes.UpstreamStreamError, Describe(failure.Reason)), Output);
        }

        Finish(failure.Reason);
    }

    private void Finish(FailureReason outcome)
    {
        HasEnded = true;
        Input.Release();
        _report.End(outcome, _translator);
        Close(isWhole: outcome == FailureReason.None);
    }

    /// <summary>Over HTTP/2 what is not read to its end is reset, and servers put up with few resets; HTTP/1.1's client sees to it by itself.</summary>
    private void Close(bool isWhole)
    {
        if (_isClosed)
        {
            return;
        }

        _isClosed = true;
        if (isWhole && _response.Version.Major > 1)
        {
            _ = ReplyEnd.ReadAsync(_response, _source, _time);
            return;
        }

        _response.Dispose();
    }

    private string Describe(FailureReason reason)
    {
        var what = reason switch
        {
            FailureReason.Timeout => "went silent",
            FailureReason.Connection => "broke off",
            FailureReason.InvalidResponse when _received > MaxBytes => "sent more than 256 MiB",
            FailureReason.InvalidResponse => "sent something that is no answer",
            _ => "reported an error",
        };
        return $"Provider '{_report.Target.Provider.Name}' {what} in the middle of the stream ({reason.ToName()}); the answer is incomplete. Send the request again.";
    }
}
