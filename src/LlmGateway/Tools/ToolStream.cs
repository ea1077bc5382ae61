using System.Buffers;
using System.Net;
using LlmGateway.Model;
using LlmGateway.Providers;
using LlmGateway.Providers.Wire;
using LlmGateway.Resilience;
using LlmGateway.Routing;

namespace LlmGateway.Tools;

/// <summary>
/// The tool loop as one stream: text of every round goes through as it comes, calls of gateway tools are held back and run, and the client
/// sees one id, one role, one finish. Until something is visible nothing is sent, so that a failure is still an HTTP error.
/// </summary>
internal sealed class ToolStream(
    ToolConversation conversation,
    GatewayRequest request,
    ToolRunner runner,
    Func<GatewayRequest, CancellationToken, Task<HttpResponseMessage>> ask,
    TimeProvider time,
    CancellationToken requestAborted) : PumpedStream
{
    // The rounds outlive the read that starts them: they end with the request, or when nobody reads any more.
    private readonly CancellationTokenSource _lifetime = CancellationTokenSource.CreateLinkedTokenSource(requestAborted);
    private readonly ToolChunks _chunks = new(conversation);
    private HttpResponseMessage? _response;
    private Stream? _source;
    private SseFramer _framer = new();
    private int _round;
    private long _answeredAt;
    private bool _roundIsOver;
    private GatewayError? _error;
    private int _isDisposed;

    /// <summary>Asks until something is visible; the answer is an error response where there is none.</summary>
    public async Task<HttpResponseMessage?> OpenAsync(CancellationToken cancellationToken)
    {
        if (await AskAsync() is { } refusal)
        {
            return refusal;
        }

        while (!_chunks.IsVisible && !HasEnded)
        {
            await PumpAsync(cancellationToken);
        }

        return _error is null ? null : GatewayErrorContent.Respond(_error);
    }

    protected override async ValueTask PumpAsync(CancellationToken cancellationToken)
    {
        using var abort = cancellationToken.UnsafeRegister(static lifetime => ((CancellationTokenSource)lifetime!).Cancel(), _lifetime);
        var read = await FillAsync(_source!, _lifetime.Token);
        while (!HasEnded && !_roundIsOver && _framer.TryRead(Input.Span, isFinal: read == 0, out var wireEvent, out var consumed))
        {
            Take(wireEvent);
            Input.Consume(consumed);
        }

        if (_roundIsOver)
        {
            await RunToolsAsync();
        }
        else if (!HasEnded && read == 0)
        {
            // The chain ends every stream with [DONE] or an error; this one had neither.
            Fail(new GatewayError(502, ErrorTypes.Api, ErrorCodes.AllProvidersFailed, "The answer broke off before its end. Send the request again."));
        }
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing && Interlocked.Exchange(ref _isDisposed, 1) == 0)
        {
            // Before the end this cancels the provider's call and the tools.
            _lifetime.Cancel();
            _response?.Dispose();
            _lifetime.Dispose();
        }

        base.Dispose(disposing);
    }

    private void Take(in WireEvent wireEvent)
    {
        var data = wireEvent.Data;
        if (data.IsEmpty)
        {
            if (_chunks.IsVisible)
            {
                Output.Write(wireEvent.Raw);
            }
        }
        else if (data.StartsWith("[DONE]"u8))
        {
            if (_chunks.CallsTools)
            {
                _roundIsOver = true;
                return;
            }

            Output.Write(wireEvent.Raw);
            HasEnded = true;
        }
        else if (!_chunks.TryTake(wireEvent, Output))
        {
            var told = OpenAiErrorReader.Read(200, data).Message;
            Fail(new GatewayError(502, ErrorTypes.Api, ErrorCodes.AllProvidersFailed, told.Length > 0 ? told : "The answer broke off before its end. Send the request again."));
        }
    }

    /// <summary>The end of a round that called tools: runs them and asks again.</summary>
    private async Task RunToolsAsync()
    {
        request.Tally.MarkToolRound();
        _response!.Dispose();
        Input.Release();
        var calls = _chunks.Calls;
        var outputs = await runner.RunAsync(calls, conversation.Tools, request, _lifetime.Token);
        request.Tally.ProviderWait += time.GetElapsedTime(_answeredAt);
        conversation.Append(_chunks.Content, calls, outputs);
        _round++;
        if (await AskAsync() is { } refusal)
        {
            Fail(refusal.Content is GatewayErrorContent { Error: var error }
                ? error
                : new GatewayError(502, ErrorTypes.Api, ErrorCodes.AllProvidersFailed, "The answer broke off before its end. Send the request again."));
            refusal.Dispose();
        }
    }

    /// <summary>The next round up to its answer's head; an error answer where there is none.</summary>
    private async Task<HttpResponseMessage?> AskAsync()
    {
        var mayCall = _round < ToolHandler.MaxRounds;
        _chunks.BeginRound(mayCall);
        var response = await ask(conversation.Next(mayCall), _lifetime.Token);
        if (response.StatusCode != HttpStatusCode.OK)
        {
            return response;
        }

        _answeredAt = time.GetTimestamp();
        _response = response;
        _source = await response.Content.ReadAsStreamAsync(_lifetime.Token);
        _framer = new SseFramer();
        _roundIsOver = false;
        return null;
    }

    private void Fail(GatewayError error)
    {
        HasEnded = true;
        if (!_chunks.IsVisible)
        {
            Output.Release();
            _error = error;
            return;
        }

        Output.Write("data: "u8);
        Output.Write(ErrorJson.Write(error with { Type = ErrorTypes.Api, Code = ErrorCodes.UpstreamStreamError, Param = null }));
        Output.Write("\n\n"u8);
    }
}
