namespace LlmGateway.Providers;

/// <summary>The kinds of content blocks whose place in a turn matters.</summary>
internal enum AnthropicBlockKind
{
    Content,
    Thinking,
    ToolUse,
    ToolResult,
}
