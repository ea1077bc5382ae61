namespace LlmGateway.Providers;

/// <summary>The company's own OpenAI-compatible API: OpenAI's form. Its settings bring the identity headers with them.</summary>
public sealed class InternalDialect(ToolCallStates? states = null) : OpenAiDialect(states)
{
    public override string Name => "internal";
}
