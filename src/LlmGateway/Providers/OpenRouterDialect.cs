namespace LlmGateway.Providers;

/// <summary>OpenRouter speaks OpenAI's form; its habits (comments, errors inside a 200, usage always sent) are read by the shared relay.</summary>
public sealed class OpenRouterDialect(ToolCallStates? states = null) : OpenAiDialect(states)
{
    public override string Name => "openrouter";
}
