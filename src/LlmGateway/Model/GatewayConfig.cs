using System.Collections.Frozen;

namespace LlmGateway.Model;

/// <summary>Everything that requests need of the configuration, frozen: each request takes one snapshot and keeps it to its end.</summary>
public sealed record GatewayConfig
{
    /// <summary>Counts up by one with every snapshot put in force.</summary>
    public required long Revision { get; init; }

    /// <summary>Tells configurations apart by content, the same on every instance: what was answered under another one is not answered again.</summary>
    public string Fingerprint { get; init; } = "";

    /// <summary>Value of <c>ENVIRONMENT</c>.</summary>
    public required string Environment { get; init; }

    public bool IsDevelopment => string.Equals(Environment, "development", StringComparison.OrdinalIgnoreCase);

    /// <summary>Profile of calls without an agent.</summary>
    public required AgentProfile Default { get; init; }

    public required FrozenDictionary<string, AgentProfile> Agents { get; init; }

    /// <summary>All providers by name, aliases included.</summary>
    public required FrozenDictionary<string, ProviderConfig> Providers { get; init; }

    /// <summary>Targets of listed models by whole name, the default provider's first, and of role entries.</summary>
    public required FrozenDictionary<string, ProviderTarget> ListedModels { get; init; }

    /// <summary>Role name → targets of that role and of those after it, in order.</summary>
    public required FrozenDictionary<string, IReadOnlyList<ProviderTarget>> RoleChains { get; init; }

    /// <summary>What a target named <c>provider/model</c> in a request inherits: timeouts, ticket, sampling of the default profile.</summary>
    public required Func<ProviderConfig, string, ProviderTarget> MakeTarget { get; init; }

    /// <summary>Client keys by the hexadecimal SHA-256 of the key.</summary>
    public required FrozenDictionary<string, ClientKey> ClientKeys { get; init; }

    /// <summary>Strategy where neither request nor profile names one.</summary>
    public string Strategy { get; init; } = "single";

    /// <summary>Attempts after the first, over all targets.</summary>
    public int MaxRetries { get; init; } = 3;

    /// <summary>Whether <see cref="MaxRetries"/> was set by the operator: if not, a role chain may go through to its end.</summary>
    public bool IsMaxRetriesSet { get; init; }

    /// <summary>Limit of one request, all attempts together.</summary>
    public TimeSpan TotalTimeout { get; init; } = TimeSpan.FromSeconds(600);

    /// <summary>The user where neither request nor key brings one.</summary>
    public string? UserId { get; init; }

    public string UserType { get; init; } = "AD";

    /// <summary>Sent to the internal API as the sending system, if set.</summary>
    public string? SystemName { get; init; }

    /// <summary>Role name → that role's own targets, in order.</summary>
    public FrozenDictionary<string, IReadOnlyList<ProviderTarget>> Roles { get; init; } = FrozenDictionary<string, IReadOnlyList<ProviderTarget>>.Empty;

    /// <summary>Attempts on the same target before the next (<c>llm.retry_attempts</c>).</summary>
    public int RetryAttempts { get; init; }

    public CircuitConfig Circuit { get; init; } = CircuitConfig.Default;

    /// <summary>Calls to one target at once; null: no limit.</summary>
    public int? MaxConcurrencyPerTarget { get; init; }

    public FrozenDictionary<string, McpServerConfig> McpServers { get; init; } = FrozenDictionary<string, McpServerConfig>.Empty;

    public ToolsConfig Tools { get; init; } = new();
}
