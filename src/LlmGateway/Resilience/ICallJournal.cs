using LlmGateway.Model;

namespace LlmGateway.Resilience;

/// <summary>Told of every provider call before it is made, so that none can be forgotten if the process dies.</summary>
internal interface ICallJournal
{
    /// <summary>Returns when the note would survive the process; it never fails a call.</summary>
    ValueTask DispatchingAsync(GatewayRequest request, AttemptTally call);
}
