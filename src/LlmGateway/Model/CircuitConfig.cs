namespace LlmGateway.Model;

/// <summary>When a target's circuit opens and for how long (<c>llm.circuit</c>).</summary>
public sealed record CircuitConfig
{
    public static CircuitConfig Default { get; } = new();

    /// <summary>Failures in a row that open it.</summary>
    public int Failures { get; init; } = 5;

    /// <summary>Time until one probe is let through.</summary>
    public TimeSpan Break { get; init; } = TimeSpan.FromSeconds(30);
}
