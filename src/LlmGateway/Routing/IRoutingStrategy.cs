using LlmGateway.Model;

namespace LlmGateway.Routing;

/// <summary>Turns a plan into one reply.</summary>
internal interface IRoutingStrategy
{
    /// <summary>The name that configuration and <c>X-LLM-Strategy</c> use.</summary>
    string Name { get; }

    /// <summary>Answers in OpenAI's form, with an error if nothing answered.</summary>
    Task<HttpResponseMessage> RunAsync(GatewayRequest request, RoutePlan plan, CancellationToken cancellationToken);
}
