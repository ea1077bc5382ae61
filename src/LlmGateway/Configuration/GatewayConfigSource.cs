using LlmGateway.Model;

namespace LlmGateway.Configuration;

/// <summary>Holds the snapshot in force; each request reads <see cref="Current"/> once and keeps what it got.</summary>
public sealed class GatewayConfigSource(GatewayConfig first)
{
    private volatile GatewayConfig _current = first;
    private volatile string? _lastProblem;

    /// <summary>Raised for each file that was judged after a change, for metrics; on the watcher's thread.</summary>
    public event Action<ConfigReload>? FileJudged;

    public GatewayConfig Current => _current;

    /// <summary>Whether a changed file was refused and an older content is in force in its place.</summary>
    public bool IsDegraded => _lastProblem is not null;

    /// <summary>What is wrong with the refused files; null where nothing is.</summary>
    public string? LastProblem => _lastProblem;

    internal void Accept(GatewayConfig config) => _current = config;

    internal void SetProblem(string? problem) => _lastProblem = problem;

    internal void Report(ConfigReload reload) => FileJudged?.Invoke(reload);
}
