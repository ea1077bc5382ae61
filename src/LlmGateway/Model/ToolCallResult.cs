namespace LlmGateway.Model;

/// <summary>One call of a gateway tool.</summary>
/// <param name="Tool">The tool's name, as the model called it.</param>
/// <param name="Arguments">Its arguments as the model wrote them: JSON, if the model was well-behaved.</param>
/// <param name="Text">What the model was told.</param>
/// <param name="IsError">Whether that is an error text.</param>
/// <param name="Duration">How long it took.</param>
public sealed record ToolCallResult(string Tool, string Arguments, string Text, bool IsError, TimeSpan Duration);
