using LlmGateway.Lifecycle;
using LlmGateway.Model;
using Yarp.ReverseProxy.Forwarder;

namespace LlmGateway.Forwarding;

/// <summary>
/// The hinge between the client side (<see cref="HttpContext"/>) and the provider side (<see cref="HttpRequestMessage"/>).
/// </summary>
/// <remarks>
/// <code>
/// client            client side                 hinge              provider side                      provider
///   │  (0) request   │                           │                  │                                  │
///   ├───────────────►│ key, body, scan, profile  │                  │                                  │
///   │                ├──────────────────────────►│ (1) one call     │                                  │
///   │                │                           ├─────────────────►│ (2) plan, attempts               │
///   │                │                           │                  ├─── a request of its own ────────►│
///   │                │                           │                  │◄── reply, up to the first token ─┤
///   │                │                           │                  ├─── …or the next target ─────────►│
///   │                │                           │◄─────────────────┤ (3) one reply in OpenAI's form   │
///   │◄───────────────┼── (4) status, headers ────┤                  │                                  │
///   │◄───────────────┼── (5) body as it comes ───┤◄─────────────────┤◄─────────────────────────────────┤
///   │                │ (6) usage is settled      │                  │                                  │
/// </code>
/// YARP is called once per request, with the whole provider side as its <see cref="HttpMessageInvoker"/>. So fallback happens before YARP
/// sees a response, no byte can reach the client too early, and YARP does what it is good at: back-pressure, cancellation, HTTP/2.
/// </remarks>
internal sealed class GatewayForwarder(IHttpForwarder forwarder, EgressPipeline egress, GatewayLifecycle lifecycle, TimeProvider time)
{
    // YARP wants a prefix; the provider side chooses the real destination for each attempt.
    private const string Destination = "http://provider.invalid/";

    /// <summary>Every clock of the chain goes off before YARP's own does, which then means one thing: the client has stopped reading.</summary>
    private static readonly TimeSpan BeyondTotal = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan LongestTelling = TimeSpan.FromSeconds(1);

    private ForwarderRequestConfig _requestConfig = new() { ActivityTimeout = TimeSpan.FromDays(1) };

    /// <summary>Steps (1) to (5); returns when the answer's last byte is written, or the client is gone.</summary>
    public async Task ForwardAsync(HttpContext context, GatewayRequest request)
    {
        var transformer = new GatewayTransformer(request, time);
        var error = await forwarder.SendAsync(context, Destination, egress.Invoker, RequestConfig(request.Config.TotalTimeout + BeyondTotal), transformer);
        if (transformer.Heartbeat is { } heartbeat)
        {
            // The client may have gone while a heartbeat was written; what the provider's call has cost is known when its read has ended.
            await heartbeat.SourceDisposed;
        }

        if (error is ForwarderError.None || context.RequestAborted.IsCancellationRequested || (context.Response.HasStarted && lifecycle.Ending.IsCancellationRequested))
        {
            return;
        }

        if (error is ForwarderError.ResponseBodyClient or ForwarderError.ResponseBodyCanceled)
        {
            // The client has stopped reading: whoever settles the request goes by its abort, of which the server tells on another thread.
            await AbortAsync(context);
            return;
        }

        // Stopping while the chain was still waiting for a first token: whoever let the request in answers it.
        lifecycle.Ending.ThrowIfCancellationRequested();

        // The chain answers all that providers can do; what is left is a bug of the gateway's own.
        if (context.Features.Get<IForwarderErrorFeature>()?.Exception is { } exception)
        {
            throw new InvalidOperationException($"Forwarding failed: {error}.", exception);
        }
    }

    private async Task AbortAsync(HttpContext context)
    {
        var told = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var telling = context.RequestAborted.UnsafeRegister(static told => ((TaskCompletionSource)told!).TrySetResult(), told);
        context.Abort();
        await Task.WhenAny(told.Task, Task.Delay(LongestTelling, time));
    }

    /// <summary>Made anew only when a reload has changed the time.</summary>
    private ForwarderRequestConfig RequestConfig(TimeSpan activityTimeout)
    {
        var config = _requestConfig;
        return config.ActivityTimeout == activityTimeout ? config : _requestConfig = config with { ActivityTimeout = activityTimeout };
    }
}
