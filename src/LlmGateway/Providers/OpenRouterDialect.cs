using LlmGateway.Model;

namespace LlmGateway.Providers;

/// <summary>OpenRouter speaks OpenAI's form; its habits (comments, errors inside a 200, usage always sent) are read by the shared relay.</summary>
public sealed class OpenRouterDialect(ToolCallStates? states = null) : OpenAiDialect(states)
{
    public override string Name => "openrouter";

    /// <summary>Its list of models is open to everybody.</summary>
    public override HttpRequestMessage? CreateKeyCall(GatewayRequest request, ProviderTarget target) => CreateGet(request, target, "/key");
}
