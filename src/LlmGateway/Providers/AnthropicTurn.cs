namespace LlmGateway.Providers;

/// <summary>One turn of a conversation: all that one side says before the other answers. Tool results stand in front, as the provider wants them.</summary>
internal sealed class AnthropicTurn(bool isUser)
{
    public bool IsUser { get; } = isUser;

    public List<AnthropicBlock> Results { get; } = [];

    public List<AnthropicBlock> Blocks { get; } = [];

    /// <summary>Whether the signed thinking of a tool call in it is not known (any more).</summary>
    public bool LacksThinking { get; set; }
}
