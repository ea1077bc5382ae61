using LlmGateway.Configuration;

namespace LlmGateway.Api;

/// <summary>Says that a changed file was refused and the last good one is in force.</summary>
internal sealed class ConfigurationReadiness(GatewayConfigSource configuration) : IReadinessCheck
{
    public string? Problem => configuration.LastProblem;
}
