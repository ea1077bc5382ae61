namespace LlmGateway.Tools;

/// <summary>What a tool says to the model.</summary>
internal readonly record struct ToolOutput(string Text, bool IsError)
{
    public static ToolOutput Answer(string text) => new(text, false);

    public static ToolOutput Error(string text) => new(text, true);
}
