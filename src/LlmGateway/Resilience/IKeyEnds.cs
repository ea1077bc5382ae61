using LlmGateway.Model;

namespace LlmGateway.Resilience;

/// <summary>Asked when a stream begins: when does its client key cease to be in force.</summary>
internal interface IKeyEnds
{
    /// <summary>Cancelled when the key is revoked or has expired; of a key that does neither it never is.</summary>
    CancellationToken Of(ClientKey key);
}
