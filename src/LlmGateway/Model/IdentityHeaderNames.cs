namespace LlmGateway.Model;

/// <summary>The header names by which a provider is told who is calling (contract: identity headers).</summary>
public sealed record IdentityHeaderNames
{
    public static IdentityHeaderNames Default { get; } = new();

    public string Ticket { get; init; } = "x-dep-ticket";

    public string UserId { get; init; } = "User-Id";

    public string UserType { get; init; } = "User-Type";

    public string SystemName { get; init; } = "Send-System-Name";

    public string PromptMessageId { get; init; } = "Prompt-Msg-Id";

    public string CompletionMessageId { get; init; } = "Completion-Msg-Id";
}
