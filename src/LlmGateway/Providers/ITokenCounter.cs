using LlmGateway.Model;

namespace LlmGateway.Providers;

/// <summary>How to ask one kind of provider how many tokens a prompt is, without having it answered.</summary>
public interface ITokenCounter
{
    /// <summary>The request for the count; null where this target cannot be asked for it.</summary>
    HttpRequestMessage? CreateCountCall(GatewayRequest request, ProviderTarget target, TargetHabits habits);

    /// <summary>The count in an answer (status 200); null where it holds none.</summary>
    long? ReadCount(ReadOnlyMemory<byte> body);
}
