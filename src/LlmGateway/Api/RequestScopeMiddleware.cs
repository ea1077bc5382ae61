using LlmGateway.Access;
using LlmGateway.Configuration;
using LlmGateway.Lifecycle;
using LlmGateway.Model;
using LlmGateway.Telemetry;
using LlmGateway.Usage;
using Microsoft.AspNetCore.Connections;

namespace LlmGateway.Api;

/// <summary>
/// The outer edge of every request: gives it its ids and its snapshot, turns what is thrown into an error answer, and when all is over
/// settles usage, metrics and the one log line.
/// </summary>
internal sealed partial class RequestScopeMiddleware(
    RequestDelegate next, GatewayConfigSource configuration, UsageRecorder usage, RequestLog log, GatewayMetrics metrics, GatewayTracing tracing, TimeProvider time, ILogger<RequestScopeMiddleware> logger)
{
    /// <summary>Status that stands for a client that went away (nginx's convention).</summary>
    private const int ClientClosedRequest = 499;

    private static readonly GatewayError Failed = new(
        500, ErrorTypes.Api, ErrorCodes.InternalError, "The gateway failed. The log tells more under this request's X-Request-Id.");

    public async Task InvokeAsync(HttpContext context)
    {
        var now = time.GetUtcNow();
        var recordId = UniqueIds.NewVersion7(now);
        var requestId = RequestIds.Choose(context.Request.Headers[RequestIds.Header], recordId);
        var template = EndpointTemplate.Of(context.GetEndpoint());
        var span = tracing.StartRequest(context.Request.Method, template, EndpointTemplate.IsInference(context.GetEndpoint()), TraceParent.Read(context.Request.Headers.TraceParent));
        var scope = new RequestScope(new RequestTally(requestId, recordId, time.GetTimestamp()) { Endpoint = template, Span = span }, configuration.Current, template, now);
        context.Features.Set(scope);
        OwnHeaders.Add(context, requestId);
        metrics.RequestStarted(template);
        try
        {
            await next(context);
            await AnswerEmptyErrorAsync(context);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            context.Response.StatusCode = ClientClosedRequest;
        }
        catch (ConnectionResetException)
        {
            // Broken off while its body was read, which the server does not take for an abort by itself: it would go on to drain the body.
            context.Response.StatusCode = ClientClosedRequest;
            context.Abort();
        }
        catch (BadHttpRequestException exception)
        {
            await RefuseAsync(context, exception);
        }
        catch (IOException exception) when (exception.InnerException is OverflowException)
        {
            // The server's word for a chunk size that no number holds.
            await ErrorWriter.WriteAsync(context, GatewayError.Invalid(ErrorCodes.InvalidRequest, "The HTTP request is malformed."));
        }
        catch (Exception exception) when (IsOutOfMemory(exception))
        {
            // What the heap gate could not foresee; the next one may fit again.
            Log.OutOfMemory(logger, requestId);
            await FailAsync(context, Refusals.HeapFull);
        }
        catch (Exception exception)
        {
            Log.Unhandled(logger, exception, requestId);
            await FailAsync(context, Failed);
        }
        finally
        {
            Settle(context, scope);
            BodyBuffers.Return(context, scope);
        }
    }

    /// <summary>Answers of the framework's own (404, 405, 415…) have no body; every error of the gateway has one.</summary>
    private static Task AnswerEmptyErrorAsync(HttpContext context) => context.Response switch
    {
        { HasStarted: true } or { StatusCode: < 400 } or { ContentLength: > 0 } => Task.CompletedTask,
        { StatusCode: 404 } => ErrorWriter.WriteAsync(context, new GatewayError(
            404, ErrorTypes.InvalidRequest, ErrorCodes.NotFound, $"There is no {context.Request.Method} endpoint at this path. The chat endpoint is POST /v1/chat/completions.")),
        { StatusCode: 405 } => ErrorWriter.WriteAsync(context, new GatewayError(
            405, ErrorTypes.InvalidRequest, ErrorCodes.MethodNotAllowed, $"This path does not take {context.Request.Method}.")),
        var response => ErrorWriter.WriteAsync(context, new GatewayError(
            response.StatusCode, ErrorTypes.InvalidRequest, ErrorCodes.InvalidRequest, "The request was refused.")),
    };

    private static Task RefuseAsync(HttpContext context, BadHttpRequestException exception)
    {
        // A body that ends early was broken off by its client, whether the server has noticed the abort yet or not.
        if (context.RequestAborted.IsCancellationRequested || exception.Message.StartsWith("Unexpected end of request content", StringComparison.Ordinal))
        {
            context.Response.StatusCode = ClientClosedRequest;
            return Task.CompletedTask;
        }

        return ErrorWriter.WriteAsync(context, exception.StatusCode switch
        {
            413 => new GatewayError(413, ErrorTypes.InvalidRequest, ErrorCodes.RequestTooLarge, "The request body is too large."),
            408 => new GatewayError(408, ErrorTypes.Timeout, "client_timeout", "The request body did not arrive in time."),
            var status => new GatewayError(status, ErrorTypes.InvalidRequest, ErrorCodes.InvalidRequest, "The HTTP request is malformed."),
        });
    }

    private static bool IsOutOfMemory(Exception? exception) =>
        exception is OutOfMemoryException || (exception is not null && IsOutOfMemory(exception.InnerException));

    private static Task FailAsync(HttpContext context, GatewayError error)
    {
        if (context.Response.HasStarted)
        {
            context.Abort();
            return Task.CompletedTask;
        }

        return ErrorWriter.WriteAsync(context, error);
    }

    private void Settle(HttpContext context, RequestScope scope)
    {
        var tally = scope.Tally;
        var duration = time.GetElapsedTime(tally.Started);
        var status = StatusOf(context, tally);
        var target = tally.Cached?.Target ?? (tally.Answer ?? tally.LastAttempt)?.Target;
        var agent = scope.Request?.Profile.Name ?? "";
        metrics.RequestEnded(scope.Endpoint, agent, target, status, duration, Overhead(tally, duration), tally.SampledTraceId);
        if (scope.Key is null || !EndpointTemplate.IsInference(context.GetEndpoint()))
        {
            RequestTrace.Discard(tally);
            return;
        }

        var record = usage.Settle(new SettledRequest
        {
            Tally = tally,
            Key = scope.Key,
            Department = scope.Key.Department,
            UserId = scope.UserId,
            Agent = agent,
            Strategy = scope.Request?.Strategy ?? "",
            Endpoint = scope.Endpoint,
            Status = status,
            IsStreaming = scope.Request?.Scan.IsStreaming ?? false,
            Time = scope.Time,
            Duration = duration,
        });
        log.Write(record);
        RequestTrace.End(tally, record, scope.Request?.Operation, context.Request.Method, time);
    }

    /// <summary>What the client got; a client that left before the end of its answer got 499.</summary>
    private static int StatusOf(HttpContext context, RequestTally tally) =>
        context.RequestAborted.IsCancellationRequested && (tally.Answer ?? tally.LastAttempt) is null or { Outcome: FailureReason.Cancelled } or { HasEnded: false }
            ? ClientClosedRequest
            : context.Response.StatusCode;

    /// <summary>Time that was not spent waiting for a provider; of a stream, up to its first token.</summary>
    private TimeSpan Overhead(RequestTally tally, TimeSpan duration)
    {
        var answered = tally.FirstToken > 0 ? time.GetElapsedTime(tally.Started, tally.FirstToken) : duration;
        var overhead = answered - tally.ProviderWait;
        return overhead > TimeSpan.Zero ? overhead : TimeSpan.Zero;
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 100, Level = LogLevel.Error, Message = "Unhandled exception in request {RequestId}")]
        public static partial void Unhandled(ILogger logger, Exception exception, string requestId);

        [LoggerMessage(EventId = 101, Level = LogLevel.Warning, Message = "Request {RequestId} found no memory: the heap is at its limit. Raise the limit, or lower GATEWAY_MAX_CONCURRENCY or GATEWAY_MAX_BODY")]
        public static partial void OutOfMemory(ILogger logger, string requestId);
    }
}
