using LlmGateway.Access;
using LlmGateway.Lifecycle;

namespace LlmGateway.Api;

/// <summary>
/// Takes in no more than the gateway can carry, and nobody once it is stopping: what is beyond is refused from its head alone, before the
/// body is read. Whoever has to wait does so in his key's lane. Health and metrics are always answered.
/// </summary>
internal sealed class AdmissionMiddleware(RequestDelegate next, RequestGate gate, HeapGate heap, GatewayLifecycle lifecycle)
{
    /// <summary>The lane of administration, which no client key names: keys have names that are not empty.</summary>
    private const string AdminLane = "";

    public Task InvokeAsync(HttpContext context)
    {
        if (context.GetEndpoint()?.Metadata.GetMetadata<EndpointAccessMetadata>() is null or { Access: EndpointAccess.Open })
        {
            return next(context);
        }

        if (!heap.HasRoom && !lifecycle.RefusesRequests)
        {
            return ErrorWriter.WriteAsync(context, Refusals.HeapFull);
        }

        return gate.TryEnter() ? RunAsync(context) : WaitAsync(context);
    }

    private async Task WaitAsync(HttpContext context)
    {
        if (lifecycle.RefusesRequests || !await gate.WaitAsync(RequestScope.Of(context).Key?.Name ?? AdminLane, context.RequestAborted))
        {
            await RefuseAsync(context);
            return;
        }

        await RunAsync(context);
    }

    private async Task RunAsync(HttpContext context)
    {
        try
        {
            // Asked from inside: whoever is told that the gateway is empty has told it before to refuse.
            if (lifecycle.RefusesRequests)
            {
                await RefuseAsync(context);
                return;
            }

            await next(context);
        }
        catch (OperationCanceledException) when (!context.Response.HasStarted && lifecycle.Ending.IsCancellationRequested && !context.RequestAborted.IsCancellationRequested)
        {
            await RefuseAsync(context);
        }
        finally
        {
            gate.Leave();
        }
    }

    private Task RefuseAsync(HttpContext context)
    {
        context.RequestAborted.ThrowIfCancellationRequested();
        if (!lifecycle.RefusesRequests)
        {
            return ErrorWriter.WriteAsync(context, Refusals.Overloaded);
        }

        if (HttpProtocol.IsHttp11(context.Request.Protocol))
        {
            // The next connection may find another instance.
            context.Response.Headers.Connection = "close";
        }

        return ErrorWriter.WriteAsync(context, Refusals.ShuttingDown);
    }
}
