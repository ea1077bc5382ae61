using LlmGateway.Caching;
using LlmGateway.Routing;
using LlmGateway.Sessions;
using LlmGateway.Surfaces;
using LlmGateway.Tools;

namespace LlmGateway.Forwarding;

/// <summary>The provider side as one invoker: the handlers in their order, ending in routing.</summary>
internal sealed class EgressPipeline : IDisposable
{
    public EgressPipeline(SurfaceHandler surfaces, SessionHandler sessions, CachingHandler caching, ToolHandler tools, RoutingHandler routing)
    {
        surfaces.InnerHandler = sessions;
        sessions.InnerHandler = caching;
        caching.InnerHandler = tools;
        tools.InnerHandler = routing;
        Invoker = new HttpMessageInvoker(surfaces);
    }

    /// <summary>Answers a gateway request in the form that its client speaks; throws only when the client is gone.</summary>
    public HttpMessageInvoker Invoker { get; }

    public void Dispose() => Invoker.Dispose();
}
