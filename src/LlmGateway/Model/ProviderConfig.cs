using System.Collections.Frozen;

namespace LlmGateway.Model;

/// <summary>One configured provider: where it is, which dialect it speaks, and the switches for its habits.</summary>
public sealed record ProviderConfig
{
    public required string Name { get; init; }

    /// <summary>The dialect's name (<c>type</c> in the settings file).</summary>
    public required string Type { get; init; }

    /// <summary>Base URL as configured, checked to be an absolute http(s) URL; null only for the mock, or where it is not set.</summary>
    public Uri? BaseUrl { get; init; }

    /// <summary>The provider's own key, if its settings name one that is set.</summary>
    public string? ApiKey { get; init; }

    /// <summary>Variables that were or would be looked at for the key, for error messages.</summary>
    public IReadOnlyList<string> ApiKeyVariables { get; init; } = [];

    /// <summary>Whether calls without a key are pointless.</summary>
    public bool NeedsApiKey { get; init; }

    /// <summary>The model used where a profile names this provider and no model.</summary>
    public string? DefaultModel { get; init; }

    /// <summary>Extra headers for every call.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Headers { get; init; } = [];

    public FrozenDictionary<string, ModelConfig> Models { get; init; } = FrozenDictionary<string, ModelConfig>.Empty;

    /// <summary>Whether streams are asked for usage (<c>stream_options.include_usage</c>).</summary>
    public bool AsksStreamUsage { get; init; } = true;

    /// <summary>Names of the identity headers; null: this provider gets none.</summary>
    public IdentityHeaderNames? IdentityHeaders { get; init; }

    /// <summary>Whether <c>traceparent</c> is passed on.</summary>
    public bool PassesTrace { get; init; }

    public string? ApiVersion { get; init; }

    /// <summary>Which OpenAI-compatible server it is, where its habits must be evened out; null: told by the address, or none.</summary>
    public string? Flavor { get; init; }

    /// <summary>Whether it is spoken to in HTTP/2 instead of HTTP/1.1.</summary>
    public bool SpeaksHttp2 { get; init; }

    /// <summary>Limit of one attempt, where the profile sets none.</summary>
    public TimeSpan? Timeout { get; init; }

    /// <summary>How a provider of type <c>mock</c> behaves.</summary>
    public MockBehavior Behavior { get; init; } = MockBehavior.Healthy;

    /// <summary>Key and headers are secrets: only the name is shown.</summary>
    public override string ToString() => Name;
}
