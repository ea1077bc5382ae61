using LlmGateway.Api;

namespace LlmGateway.Lifecycle;

/// <summary>Sends new requests elsewhere from the moment at which the gateway is told to stop.</summary>
internal sealed class DrainReadiness(GatewayLifecycle lifecycle) : IReadinessCheck
{
    public bool IsReady => !lifecycle.IsStopping;

    public string? Problem => lifecycle.IsStopping ? "the gateway is shutting down" : null;
}
