using System.Text.Json;
using LlmGateway.Model;

namespace LlmGateway.Sessions;

/// <summary>One question and its answer, as <c>chat_history</c> keeps them.</summary>
internal sealed record ChatExchange
{
    /// <summary>The record's id; unique, and sorts by time.</summary>
    public required Guid Id { get; init; }

    /// <summary>The session's id as the client knows it.</summary>
    public required string SessionId { get; init; }

    /// <summary>Whose session it is: the client key's name.</summary>
    public required string Owner { get; init; }

    public required string UserMessage { get; init; }

    public required string AssistantMessage { get; init; }

    /// <summary>The gateway's tools that ran, in order.</summary>
    public IReadOnlyList<string> ToolsUsed { get; init; } = [];

    public required string ModelUsed { get; init; }

    public required string Provider { get; init; }

    public required string Agent { get; init; }

    /// <summary>All calls of the request together.</summary>
    public required long TokensUsed { get; init; }

    public required long CostMicroUsd { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    public required string RequestId { get; init; }

    public static ChatExchange Of(GatewayRequest request, string userMessage, ReadOnlyMemory<byte> answer, DateTimeOffset now)
    {
        var tally = request.Tally;
        var target = (tally.Answer ?? tally.LastAttempt)?.Target;
        var (tokens, cost) = tally.Spent();
        return new()
        {
            Id = UniqueIds.NewVersion7(now),
            SessionId = request.Session!.Id,
            Owner = request.Key.Name,
            UserMessage = userMessage,
            AssistantMessage = MessageText.Of(answer.Span),
            ToolsUsed = request.ToolTrace?.Used ?? [],
            ModelUsed = target?.Model ?? "",
            Provider = target?.Provider.Name ?? "",
            Agent = request.Profile.Name,
            TokensUsed = tokens,
            CostMicroUsd = cost,
            CreatedAt = now,
            RequestId = tally.RequestId,
        };
    }

    /// <summary>What a history says of an answer.</summary>
    public void WriteMetadata(Utf8JsonWriter writer)
    {
        writer.WriteString("agent"u8, Agent);
        writer.WriteString("provider"u8, Provider);
        writer.WriteString("model_used"u8, ModelUsed);
        writer.WriteNumber("tokens_used"u8, TokensUsed);
        writer.WriteStartArray("tools_used"u8);
        foreach (var tool in ToolsUsed)
        {
            writer.WriteStringValue(tool);
        }

        writer.WriteEndArray();
    }
}
