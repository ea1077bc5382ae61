namespace LlmGateway.Model;

/// <summary>One model at one provider, with the key and the defaults that calls to it use.</summary>
public sealed record ProviderTarget
{
    public required ProviderConfig Provider { get; init; }

    /// <summary>The model's name as the provider knows it.</summary>
    public required string Model { get; init; }

    /// <summary>What is configured of the model; null for a name that no file lists.</summary>
    public ModelConfig? ModelConfig { get; init; }

    /// <summary>The key for the calls; null where none is needed or none is set.</summary>
    public string? ApiKey { get; init; }

    /// <summary>Variables that were looked at for the key.</summary>
    public IReadOnlyList<string> ApiKeyVariables { get; init; } = [];

    public SamplingDefaults Sampling { get; init; } = SamplingDefaults.Empty;

    /// <summary>Department ticket of the profile, else of the environment; the client key's goes before it.</summary>
    public string? Ticket { get; init; }

    /// <summary>Limit of one attempt: not streaming, the whole of it; streaming, to the first token and between tokens.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Limit to the first token where it is another (a local model that must be loaded first).</summary>
    public TimeSpan? FirstTokenTimeout { get; init; }

    /// <summary>Whether configuration names the model: only such a name may be a metric label.</summary>
    public bool IsConfigured { get; init; } = true;

    /// <summary>Reasons after which alone this target is tried; null: after any.</summary>
    public IReadOnlySet<FailureReason>? OnlyAfter { get; init; }

    public bool LacksApiKey => Provider.NeedsApiKey && ApiKey is null;

    /// <summary>The model as a metric label: bounded by configuration.</summary>
    public string ModelLabel => IsConfigured ? Model : "other";

    public override string ToString() => $"{Provider.Name}/{Model}";
}
