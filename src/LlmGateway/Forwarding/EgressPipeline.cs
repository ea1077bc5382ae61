using LlmGateway.Routing;

namespace LlmGateway.Forwarding;

/// <summary>The provider side as one invoker: the handlers in their order, ending in routing.</summary>
internal sealed class EgressPipeline(RoutingHandler routing) : IDisposable
{
    /// <summary>Answers a gateway request in OpenAI's form; throws only when the client is gone.</summary>
    public HttpMessageInvoker Invoker { get; } = new(routing);

    public void Dispose() => Invoker.Dispose();
}
