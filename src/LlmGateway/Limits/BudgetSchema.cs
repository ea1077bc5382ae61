using LlmGateway.Database;

namespace LlmGateway.Limits;

/// <summary>Tables that budgets are kept in while Redis is away: what was spent, and what is set aside for calls under way.</summary>
internal sealed class BudgetSchema : IDatabaseSchema
{
    private const string First = """
        CREATE TABLE budget_spend (
            key_name TEXT NOT NULL,
            period TEXT NOT NULL,
            spent_micro_usd BIGINT NOT NULL,
            PRIMARY KEY (key_name, period)
        );
        CREATE TABLE budget_holds (
            id TEXT NOT NULL PRIMARY KEY,
            key_name TEXT NOT NULL,
            period TEXT NOT NULL,
            amount_micro_usd BIGINT NOT NULL,
            lapses_ms BIGINT NOT NULL
        );
        CREATE INDEX budget_holds_of_key ON budget_holds (key_name, period);
        """;

    public string Name => "budgets";

    public IReadOnlyList<string> Scripts(DatabaseKind kind) => [First];
}
