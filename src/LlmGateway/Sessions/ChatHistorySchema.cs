using LlmGateway.Database;

namespace LlmGateway.Sessions;

/// <summary>The table <c>chat_history</c>.</summary>
internal sealed class ChatHistorySchema : IDatabaseSchema
{
    public string Name => "chat_history";

    /// <summary>Ids are text and times microseconds since 1970 in both databases; <c>cost</c> is in micro-dollars.</summary>
    public IReadOnlyList<string> Scripts(DatabaseKind kind) =>
    [
        $"""
        CREATE TABLE chat_history (
            id TEXT NOT NULL PRIMARY KEY,
            session_id TEXT NOT NULL,
            user_message TEXT NOT NULL,
            assistant_message TEXT NOT NULL,
            tools_used TEXT NOT NULL,
            model_used TEXT NOT NULL,
            tokens_used BIGINT NOT NULL,
            cost BIGINT NOT NULL,
            created_at BIGINT NOT NULL,
            extra_metadata TEXT NOT NULL
        );
        CREATE INDEX chat_history_session ON chat_history (session_id, created_at);
        CREATE INDEX chat_history_age ON chat_history (created_at);
        """,
    ];
}
