using LlmGateway.Model;

namespace LlmGateway.Providers;

/// <summary>A request ready to be sent, or the reason why there is none.</summary>
public sealed record ProviderCall
{
    private ProviderCall()
    {
    }

    /// <summary>The request to send; null where there is none.</summary>
    public HttpRequestMessage? Message { get; private init; }

    /// <summary>The client's own fault, found while translating: no target can serve this.</summary>
    public GatewayError? Error { get; private init; }

    /// <summary>Why this target cannot carry the request; another may.</summary>
    public string? Unsupported { get; private init; }

    /// <summary>The member of the request that it cannot carry; null where it is not one member's affair.</summary>
    public string? UnsupportedParam { get; private init; }

    public static ProviderCall Send(HttpRequestMessage message) => new() { Message = message };

    public static ProviderCall Refuse(GatewayError error) => new() { Error = error };

    public static ProviderCall CannotCarry(string reason, string? param = null) => new() { Unsupported = reason, UnsupportedParam = param };
}
