using LlmGateway.Model;

namespace LlmGateway.Routing;

/// <summary>The end of the handler chain: plans the route and runs the request's strategy.</summary>
internal sealed class RoutingHandler(RoutePlanner planner, StrategySet strategies) : HttpMessageHandler
{
    protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage message, CancellationToken cancellationToken)
    {
        if (!message.Options.TryGetValue(GatewayRequest.OptionsKey, out var request))
        {
            throw new InvalidOperationException("The chain was called without a gateway request.");
        }

        var strategy = strategies[request.Strategy];
        return strategy.RunAsync(request, strategy.Arrange(request, planner.Plan(request)), cancellationToken);
    }
}
