using System.Buffers;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using LlmGateway.Lifecycle;
using LlmGateway.Model;
using LlmGateway.Providers;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Resilience;

/// <summary>One try against one target: builds the provider's request, sends it, and answers in OpenAI's form or says why not.</summary>
internal sealed class ProviderAttempt(
    DialectSet dialects,
    ProviderConnections connections,
    TimeProvider time,
    ICallBudget? budget = null,
    ICallJournal? journal = null,
    GatewayLifecycle? lifecycle = null,
    ProcessPulse? pulse = null,
    IKeyEnds? keyEnds = null)
{
    /// <summary>Longest wait that a provider may ask for; its target cools down no longer.</summary>
    private static readonly TimeSpan LongestRetryAfter = TimeSpan.FromSeconds(60);

    private static readonly MediaTypeHeaderValue EventStream = new("text/event-stream");

    private static readonly MediaTypeHeaderValue Json = new("application/json");

    /// <param name="request">The request.</param>
    /// <param name="target">Who is called.</param>
    /// <param name="role">What for.</param>
    /// <param name="state">The target's state.</param>
    /// <param name="slot">What the call holds of it; given back when the call ends, or before it began.</param>
    /// <param name="cancellationToken">The client's.</param>
    public async Task<AttemptResult> RunAsync(
        GatewayRequest request, ProviderTarget target, AttemptRole role, TargetState state, CallSlot slot, CancellationToken cancellationToken)
    {
        var dialect = dialects[target.Provider.Type];
        var habits = state.Habits;
        var (message, tally, refused) = await BeginAsync(request, target, role, dialect, state, slot, cancellationToken);
        if (refused is not null)
        {
            return AttemptResult.Failed(refused);
        }

        var report = new AttemptReport(request, tally!, state, slot, CallCredentials.Of(target, request), time);
        var requestEnd = request.Tally.Started + (long)(request.TotalTimeout.TotalSeconds * time.TimestampFrequency);
        var limit = request.Scan.IsStreaming ? target.FirstTokenTimeout ?? target.Timeout : WholeLimit(target);
        var deadline = new AttemptDeadline(time, limit, requestEnd, pulse, cancellationToken, lifecycle?.Ending ?? default);
        var keepsDeadline = false;
        try
        {
            var result = await SendAsync(request, target, dialect, message!, deadline, report, cancellationToken);
            if (result.Failure is { WasNeverTaken: true } && dialect.CreateCall(request, target, habits).Message is { } same)
            {
                result = await SendAsync(request, target, dialect, same, deadline, report, cancellationToken);
            }

            // The same attempt, said differently: no failure of the target. Providers name one thing at a time; what is known is not learnt again.
            while (result.Failure?.Error is { } error && dialect.LearnFrom(error, request, habits) is not TargetHabits.None and var learnt)
            {
                state.Learn(learnt);
                habits |= learnt;
                if (dialect.CreateCall(request, target, habits).Message is not { } again)
                {
                    break;
                }

                result = await SendAsync(request, target, dialect, again, deadline, report, cancellationToken);
            }

            if (result.Failure is { } failure)
            {
                NoteRefusal(failure, request, target, state);
                if (failure.IsOwnFault || (failure.Reason == FailureReason.Timeout && deadline.IsOwnFault))
                {
                    report.Excuse();
                }

                report.EndFailed(failure.Reason, wasAccepted: failure.Reason == FailureReason.Timeout);
            }

            keepsDeadline = result.Response?.Content is StreamedReply;
            return result with { Attempt = tally };
        }
        catch (OperationCanceledException)
        {
            report.EndFailed(FailureReason.Cancelled, wasAccepted: true);
            throw;
        }
        finally
        {
            if (!keepsDeadline)
            {
                // Ended already, but for an exception that nobody expects: the target must get its slot back even then.
                report.EndFailed(FailureReason.Cancelled, wasAccepted: true);
                deadline.Dispose();
            }
        }
    }

    /// <summary>Translates, asks for a permit, notes the call; or gives the slot back with the reason why nothing can be sent.</summary>
    private async ValueTask<(HttpRequestMessage? Message, AttemptTally? Tally, AttemptFailure? Refused)> BeginAsync(
        GatewayRequest request, ProviderTarget target, AttemptRole role, IProviderDialect dialect, TargetState state, CallSlot slot, CancellationToken cancellationToken)
    {
        AttemptTally? tally = null;
        HttpRequestMessage? message = null;
        var isReady = false;
        try
        {
            var call = dialect.CreateCall(request, target, state.Habits);
            message = call.Message;
            if (message is null)
            {
                return (null, null, Refused(call));
            }

            var permit = budget is null ? CallPermit.Free : await budget.ReserveAsync(request, target, role, cancellationToken);
            if (permit.Refusal is { } refusal)
            {
                return (null, null, new AttemptFailure(FailureReason.InvalidRequest) { ClientError = refusal });
            }

            tally = request.Tally.Begin(target, role, time.GetTimestamp(), permit.Hold);
            if (journal is not null)
            {
                await journal.DispatchingAsync(request, tally);
            }

            isReady = true;
            return (message, tally, null);
        }
        finally
        {
            if (!isReady)
            {
                // Nothing was sent: what was set aside goes back as a whole.
                tally?.End(FailureReason.Cancelled, null, time.GetTimestamp());
                message?.Dispose();
                state.Leave(slot);
            }
        }
    }

    private static void NoteRefusal(AttemptFailure failure, GatewayRequest request, ProviderTarget target, TargetState state)
    {
        if (failure.Cooldown is { } wait)
        {
            state.CoolDown(wait);
        }
        else if (failure.Reason == FailureReason.Auth && !(failure.Status == 403 && target.Provider.IdentityHeaders is not null))
        {
            // Where users' identities go along, a 403 may mean one of these, and nobody else's calls are kept out for it.
            state.Refuse(CallCredentials.Of(target, request), request.Config.Circuit);
        }
    }

    // A whole answer of a model that must be loaded first gets the time that its first token would get.
    private static TimeSpan WholeLimit(ProviderTarget target) => target.FirstTokenTimeout is { } first && first > target.Timeout ? first : target.Timeout;

    private static AttemptFailure Refused(ProviderCall call) => call.Error is { } error
        ? new AttemptFailure(FailureReason.InvalidRequest) { ClientError = error }
        : new AttemptFailure(FailureReason.Unsupported) { LeftOut = call.Unsupported ?? "it cannot carry this request", Param = call.UnsupportedParam };

    private async ValueTask<AttemptResult> SendAsync(
        GatewayRequest request, ProviderTarget target, IProviderDialect dialect, HttpRequestMessage message, AttemptDeadline deadline, AttemptReport report, CancellationToken cancellationToken)
    {
        HttpResponseMessage? response = null;
        if (target.Provider.PassesTrace && report.TraceParent is { } trace)
        {
            message.Headers.TryAddWithoutValidation("traceparent", trace);
        }

        try
        {
            response = await connections.SendAsync(target.Provider, message, deadline.Token);
            var status = (int)response.StatusCode;
            report.NoteStatus(status);
            var result = status switch
            {
                200 when request.Scan.IsStreaming => await OpenStreamAsync(request, target, dialect, response, deadline, report, cancellationToken),
                200 => await ReadWholeAsync(request, target, dialect, response, deadline, report),
                _ => AttemptResult.Failed(await ReadFailureAsync(dialect, response, status, deadline)),
            };
            if (result.Response?.Content is StreamedReply)
            {
                response = null;
            }

            return result;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested && !deadline.IsEnding)
        {
            // Its own clock, or the connection's (which throws without the token being cancelled).
            return AttemptResult.Failed(deadline.HasTimedOut
                ? new AttemptFailure(FailureReason.Timeout)
                : new AttemptFailure(FailureReason.Connection) { IsOwnFault = deadline.IsStarved });
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException)
        {
            cancellationToken.ThrowIfCancellationRequested();
            deadline.ThrowIfEnding();
            return AttemptResult.Failed(deadline.HasTimedOut
                ? new AttemptFailure(FailureReason.Timeout)
                : new AttemptFailure(FailureReason.Connection) { WasNeverTaken = response is null && ProviderConnections.DiedWhilePooled(message, exception) });
        }
        finally
        {
            response?.Dispose();
            message.Dispose();
        }
    }

    private async ValueTask<AttemptResult> OpenStreamAsync(
        GatewayRequest request, ProviderTarget target, IProviderDialect dialect, HttpResponseMessage response, AttemptDeadline deadline, AttemptReport report, CancellationToken cancellationToken)
    {
        var translator = dialect.CreateStreamTranslator(request, target);
        var mediaType = response.Content.Headers.ContentType?.MediaType;
        if (translator.Framing == WireFraming.ServerSentEvents && IsJson(mediaType))
        {
            return await ReplayAsStreamAsync(request, target, dialect, response, deadline, report);
        }

        if (mediaType is not null && mediaType.EndsWith("/html", StringComparison.OrdinalIgnoreCase))
        {
            return AttemptResult.Failed(new AttemptFailure(FailureReason.InvalidResponse, 200));
        }

        var source = await response.Content.ReadAsStreamAsync(deadline.Token);
        var stream = new TranslatedStream(response, source, translator, deadline, target.Timeout, report, time, keyEnds?.Of(request.Key) ?? default);
        var failure = await stream.WaitForFirstTokenAsync(cancellationToken);
        if (failure is not null)
        {
            return AttemptResult.Failed(failure with { Status = failure.Status == 0 ? 200 : failure.Status });
        }

        return AttemptResult.Answered(Answer(new StreamedReply(stream), EventStream, request.IsNativeAt(target)));
    }

    /// <summary>Some servers answer a stream request with a whole completion, or with an error in a 200.</summary>
    private static async ValueTask<AttemptResult> ReplayAsStreamAsync(
        GatewayRequest request, ProviderTarget target, IProviderDialect dialect, HttpResponseMessage response, AttemptDeadline deadline, AttemptReport report)
    {
        var (reply, failure) = await ReadReplyAsync(request, target, dialect, response, deadline);
        if (failure is not null)
        {
            return AttemptResult.Failed(failure);
        }

        var asked = request.Scan.IncludeUsage is true;
        var events = new ArrayBufferWriter<byte>(reply.Body.Length * 2);
        var usage = reply.Usage ?? TokenEstimate.Of(request, TokenEstimate.OfText(reply.OutputBytes));
        if (!CompletionToChunks.TryWrite(reply.Body, asked, usage, events))
        {
            return AttemptResult.Failed(new AttemptFailure(FailureReason.InvalidResponse, 200));
        }

        report.EndWhole(reply);
        return AttemptResult.Answered(Answer(new ReadOnlyMemoryContent(events.WrittenMemory), EventStream));
    }

    private static async ValueTask<AttemptResult> ReadWholeAsync(
        GatewayRequest request, ProviderTarget target, IProviderDialect dialect, HttpResponseMessage response, AttemptDeadline deadline, AttemptReport report)
    {
        var (reply, failure) = await ReadReplyAsync(request, target, dialect, response, deadline);
        if (failure is not null)
        {
            return AttemptResult.Failed(failure);
        }

        if (report.IsHeldToForm && JsonGuard.Watches(request, target) && !JsonGuard.Passes(reply.Body))
        {
            report.EndRefused(reply);
            return AttemptResult.Failed(new AttemptFailure(FailureReason.InvalidResponse, 200));
        }

        report.EndWhole(reply);
        return AttemptResult.Answered(Answer(new ReadOnlyMemoryContent(reply.Body), Json, request.IsNativeAt(target)));
    }

    private static async ValueTask<(ProviderReply Reply, AttemptFailure? Failure)> ReadReplyAsync(
        GatewayRequest request, ProviderTarget target, IProviderDialect dialect, HttpResponseMessage response, AttemptDeadline deadline)
    {
        var body = await ReplyReader.ReadAllAsync(response.Content, deadline.Token);
        if (body is null)
        {
            return (default, new AttemptFailure(FailureReason.InvalidResponse, 200));
        }

        var reply = dialect.ReadReply(body.Value, request, target);
        return reply.Error is { } error ? (reply, new AttemptFailure(FailureClassifier.Classify(error), error.Status) { Error = error }) : (reply, null);
    }

    private async ValueTask<AttemptFailure> ReadFailureAsync(IProviderDialect dialect, HttpResponseMessage response, int status, AttemptDeadline deadline)
    {
        var body = await ReplyReader.ReadErrorAsync(response.Content, deadline.Token);
        var error = dialect.ReadError(status, body.Span);
        return new AttemptFailure(FailureClassifier.Classify(error), status)
        {
            Error = error,
            RetryAfter = ReadRetryAfter(response.Headers) ?? (error.RetryAfter is { } told ? Bound(told.TotalSeconds) : null),
        };
    }

    private TimeSpan? ReadRetryAfter(HttpResponseHeaders headers)
    {
        if (ReadNumber(headers, "retry-after-ms") is { } milliseconds)
        {
            return Bound(milliseconds / 1000);
        }

        // As a number, not as HTTP's type: providers send fractions, and more seconds than an int holds.
        return ReadNumber(headers, "retry-after") is { } seconds ? Bound(seconds)
            : headers.RetryAfter?.Date is { } date ? Bound((date - time.GetUtcNow()).TotalSeconds)
            : null;
    }

    private static double? ReadNumber(HttpResponseHeaders headers, string name) =>
        headers.NonValidated.TryGetValues(name, out var values)
        && double.TryParse(values.ToString(), NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && !double.IsNaN(number)
            ? number
            : null;

    private static TimeSpan Bound(double seconds) => TimeSpan.FromSeconds(Math.Clamp(seconds, 0, LongestRetryAfter.TotalSeconds));

    private static bool IsJson(string? mediaType) => string.Equals(mediaType, "application/json", StringComparison.OrdinalIgnoreCase);

    private static HttpResponseMessage Answer(HttpContent content, MediaTypeHeaderValue type, bool isNative = false)
    {
        content.Headers.ContentType = type;
        var response = new HttpResponseMessage(HttpStatusCode.OK) { Content = content };
        if (isNative)
        {
            NativeAnswer.Mark(response);
        }

        return response;
    }
}
