namespace LlmGateway;

/// <summary>All that the gateway takes from outside at its start.</summary>
public sealed record HostInputs
{
    /// <summary>Command-line arguments.</summary>
    public string[] Args { get; init; } = [];

    /// <summary>Relative paths count from here.</summary>
    public required string WorkingDirectory { get; init; }

    /// <summary>The environment variables.</summary>
    public required IReadOnlyDictionary<string, string> Variables { get; init; }

    /// <summary>Whether it is to serve requests; false for commands that use the provider side alone and announce nothing.</summary>
    public bool IsServing { get; init; } = true;

    /// <summary>Replaces services (a clock, say) in tests.</summary>
    public Action<IServiceCollection>? ConfigureServices { get; init; }
}
