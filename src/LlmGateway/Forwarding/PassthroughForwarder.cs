using LlmGateway.Api;
using LlmGateway.Lifecycle;
using LlmGateway.Model;
using LlmGateway.Ownership;
using LlmGateway.Resilience;
using Yarp.ReverseProxy.Forwarder;

namespace LlmGateway.Forwarding;

/// <summary>Passes one call on as it is, both bodies streamed, and accounts for it.</summary>
internal sealed class PassthroughForwarder(IHttpForwarder forwarder, PassthroughHandler handler, PassthroughOwners owners, GatewayLifecycle lifecycle, TimeProvider time, ICallBudget? budget = null) : IDisposable
{
    // YARP wants a prefix; the transformer sets the real address.
    private const string Destination = "http://provider.invalid/";

    private readonly HttpMessageInvoker _invoker = new(handler, disposeHandler: false);

    public async Task ForwardAsync(HttpContext context, PassthroughCall call)
    {
        context.Features.Set(call);
        var request = call.Request;
        var permit = budget is null ? CallPermit.Free : await budget.ReserveAsync(request, call.Priced, AttemptRole.Answer, context.RequestAborted);
        if (permit.Refusal is { } exhausted)
        {
            call.Head.Dispose();
            await ErrorWriter.WriteAsync(context, exhausted);
            return;
        }

        call.Hold = permit.Hold;
        if (PassthroughOwners.Concerns(request.Key))
        {
            context.Request.Body = new OwnedUploadStream(context.Request.Body, call, INamedObjects.Of(context.Request.ContentType), owners);
        }

        var left = request.TotalTimeout - time.GetElapsedTime(request.Tally.Started);
        using var deadline = new CancellationTokenSource(left > TimeSpan.Zero ? left : TimeSpan.Zero, time);

        // Its clock starts anew with every byte, up or down: it measures silence. The version of HTTP is for ProviderConnections to say.
        var config = new ForwarderRequestConfig { ActivityTimeout = call.Target.Timeout };
        var error = await forwarder.SendAsync(context, Destination, _invoker, config, PassthroughTransformer.Instance, deadline.Token);
        call.Head.Dispose();
        var hasTimedOut = error is ForwarderError.RequestTimedOut || deadline.IsCancellationRequested;
        var isEnded = call.IsEnded || (lifecycle.Ending.IsCancellationRequested && error is not ForwarderError.None);
        Account(call, context.Request.ContentLength ?? 0, error, hasTimedOut, isEnded || call is { Refusal: not null, Status: 0 } || (context.RequestAborted.IsCancellationRequested && !context.Response.HasStarted));
        if (context.RequestAborted.IsCancellationRequested && !context.Response.HasStarted)
        {
            throw new OperationCanceledException(context.RequestAborted);
        }

        if (isEnded && !context.Response.HasStarted)
        {
            // Whoever let the request in answers it.
            lifecycle.Ending.ThrowIfCancellationRequested();
        }

        if (!context.Response.HasStarted && (call.Refusal ?? Explain(context, call, error, hasTimedOut)) is { } refusal)
        {
            await ErrorWriter.WriteAsync(context, refusal);
            return;
        }

        // An error without a word is the provider's answer as it is, not one that still wants the gateway's.
        await context.Response.StartAsync(context.RequestAborted);
    }

    public void Dispose() => _invoker.Dispose();

    private static GatewayError? Explain(HttpContext context, PassthroughCall call, ForwarderError error, bool hasTimedOut)
    {
        var exception = context.Features.Get<IForwarderErrorFeature>()?.Exception;
        if (error is ForwarderError.None)
        {
            return null;
        }

        var provider = call.Target.Provider.Name;
        if (FindRefusedBody(exception) is { } refused)
        {
            return refused.StatusCode == 413
                ? new GatewayError(413, ErrorTypes.InvalidRequest, ErrorCodes.RequestTooLarge, "The request body is larger than the gateway passes on (GATEWAY_MAX_UPLOAD).")
                : new GatewayError(400, ErrorTypes.InvalidRequest, ErrorCodes.InvalidRequest, "The request body is malformed or incomplete.");
        }

        return hasTimedOut
            ? new GatewayError(504, ErrorTypes.Timeout, ErrorCodes.UpstreamTimeout, $"Provider '{provider}' did not answer in time.")
            : new GatewayError(502, ErrorTypes.Api, ErrorCodes.AllProvidersFailed, $"Provider '{provider}' could not be reached, or broke off (connection).");
    }

    private static BadHttpRequestException? FindRefusedBody(Exception? exception)
    {
        var inner = exception is AggregateException aggregate ? aggregate.Flatten().InnerExceptions.AsEnumerable() : exception is null ? [] : [exception];
        return inner.SelectMany(Causes).OfType<BadHttpRequestException>().FirstOrDefault();

        static IEnumerable<Exception> Causes(Exception found)
        {
            for (Exception? cause = found; cause is not null; cause = cause.InnerException)
            {
                yield return cause;
            }
        }
    }

    /// <summary>The call is pushed as an attempt when it is over, because only its answer has told the model.</summary>
    private void Account(PassthroughCall call, long sent, ForwarderError error, bool hasTimedOut, bool isCancelled)
    {
        var request = call.Request;
        if (call.Started == 0)
        {
            // Nothing was sent: what was set aside goes back, and there is no call to record.
            new AttemptTally(call.Target, AttemptRole.Answer, 0, call.Hold).End(FailureReason.Cancelled, null, time.GetTimestamp());
            return;
        }

        var usage = call.Usage;
        var target = (usage?.Model ?? call.AskedModel) is { } model ? request.Config.MakeTarget(call.Target.Provider, model) : call.Target;
        var attempt = request.Tally.Begin(target, AttemptRole.Answer, call.Started, call.Hold, span: call.Span);
        attempt.Status = call.Status;
        attempt.FirstToken = call.Answered;
        request.Tally.ProviderWait = time.GetElapsedTime(call.Started, call.Answered == 0 ? time.GetTimestamp() : call.Answered);
        if (call.Status is >= 200 and < 300)
        {
            request.Tally.Answer = attempt;
        }

        var outcome = isCancelled || (error is not ForwarderError.None && !hasTimedOut && !call.IsCut && call.Status != 0) ? FailureReason.Cancelled
            : hasTimedOut ? FailureReason.Timeout
            : error is not ForwarderError.None || call.IsCut ? FailureReason.Connection
            : call.Status is >= 200 and < 300 or 304 ? FailureReason.None
            : FailureClassifier.Classify(new Providers.ProviderError(call.Status, ""));
        attempt.End(outcome, usage?.Tokens ?? Estimate(call, sent), time.GetTimestamp());
    }

    /// <summary>Of a stream that has told no usage, cut off or cancelled: what was seen of it. What brought no text is not known to have cost anything.</summary>
    private static TokenUsage? Estimate(PassthroughCall call, long sent) => call.Usage is { OutputBytes: > 0 and var bytes }
        ? new TokenUsage(call.Request.PassthroughEstimate.Input is > 0 and var input ? input : TokenEstimate.OfText(sent), TokenEstimate.OfText(bytes), IsEstimated: true)
        : null;
}
