namespace LlmGateway.Model;

/// <summary>What a client asks for; a dialect says which of these it supports.</summary>
public enum Operation
{
    ChatCompletions,
}
