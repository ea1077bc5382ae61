using LlmGateway.Model;

namespace LlmGateway.Resilience;

/// <summary>Asked before every provider call: may it be paid for, and what is set aside for it until its usage is known.</summary>
internal interface ICallBudget
{
    ValueTask<CallPermit> ReserveAsync(GatewayRequest request, ProviderTarget target, AttemptRole role, CancellationToken cancellationToken);
}
