namespace LlmGateway.Model;

/// <summary>One client key as configured: who it is and what it may use.</summary>
public sealed record ClientKey
{
    /// <summary>The tenant of callers that need no key.</summary>
    public static ClientKey Anonymous { get; } = new() { Name = "anonymous", Sha256 = [] };

    public required string Name { get; init; }

    /// <summary>SHA-256 of the key, 32 bytes.</summary>
    public required byte[] Sha256 { get; init; }

    /// <summary>Whether it was made with <c>POST /admin/keys</c>, and can be revoked at any time.</summary>
    public bool IsMinted { get; init; }

    /// <summary>Label of the department metrics; null: none.</summary>
    public string? Department { get; init; }

    /// <summary>The department's ticket, read from the variable that <c>ticket_env</c> names.</summary>
    public string? Ticket { get; init; }

    public string? UserId { get; init; }

    /// <summary>Whether <c>X-User-Id</c> of the request names the user.</summary>
    public bool TrustsUserHeader { get; init; } = true;

    /// <summary>Agents it may use; null: all.</summary>
    public AllowedNames? Agents { get; init; }

    /// <summary>Models it may name; null: all.</summary>
    public AllowedNames? Models { get; init; }

    public int? RequestsPerMinute { get; init; }

    public long? TokensPerMinute { get; init; }

    public int? MaxConcurrency { get; init; }

    /// <summary>Dollars that its calls may cost in one period; null: no limit.</summary>
    public decimal? BudgetUsd { get; init; }

    /// <summary><c>day</c>, <c>week</c> or <c>month</c>, by UTC; null: the budget is never filled up again.</summary>
    public string? BudgetPeriod { get; init; }

    /// <summary>Whether anything limits what it may use.</summary>
    public bool HasLimits => RequestsPerMinute is not null || TokensPerMinute is not null || MaxConcurrency is not null || BudgetUsd is not null;

    public DateTimeOffset? NotBefore { get; init; }

    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>It holds the ticket, which is never printed.</summary>
    public override string ToString() => Name;
}
