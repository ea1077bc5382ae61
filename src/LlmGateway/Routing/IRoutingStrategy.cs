using LlmGateway.Model;

namespace LlmGateway.Routing;

/// <summary>Turns a plan into one reply.</summary>
internal interface IRoutingStrategy
{
    /// <summary>The name that configuration and <c>X-LLM-Strategy</c> use.</summary>
    string Name { get; }

    /// <summary>The plan as this strategy follows it: another order, or a contest. Nothing is asked and nothing remembered.</summary>
    RoutePlan Arrange(GatewayRequest request, RoutePlan plan) => plan;

    /// <summary>Follows an arranged plan. Answers in OpenAI's form, with an error if nothing answered.</summary>
    Task<HttpResponseMessage> RunAsync(GatewayRequest request, RoutePlan plan, CancellationToken cancellationToken);
}
