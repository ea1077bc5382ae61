using System.Collections.Frozen;

namespace LlmGateway.Model;

/// <summary>The public spelling of <see cref="FailureReason"/>.</summary>
public static class FailureReasons
{
    private static readonly string[] Names =
    [
        "none", "timeout", "connection", "rate_limit", "server_error", "auth", "model_unavailable", "context_length", "content_filter",
        "invalid_response", "missing_api_key", "circuit_open", "unsupported", "cancelled", "invalid_request", "interrupted",
    ];

    private static readonly FrozenDictionary<string, FailureReason> ByName =
        Names.Select((name, index) => (name, (FailureReason)index)).ToFrozenDictionary(pair => pair.name, pair => pair.Item2, StringComparer.Ordinal);

    /// <summary>Reasons that a profile may list under <c>fallback_on</c>.</summary>
    public static IReadOnlyList<string> ForFallback { get; } = Names[1..10];

    public static string ToName(this FailureReason reason) => Names[(int)reason];

    public static bool TryParse(string name, out FailureReason reason) => ByName.TryGetValue(name, out reason);
}
