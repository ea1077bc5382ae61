namespace LlmGateway.Api;

/// <summary>What metrics and records call an endpoint: its route template, which is bounded, never its path.</summary>
internal static class EndpointTemplate
{
    public static string Of(Endpoint? endpoint) => endpoint is RouteEndpoint route ? route.RoutePattern.RawText ?? "none" : "none";

    /// <summary>Whether calls of this endpoint are recorded in the ledger.</summary>
    public static bool IsInference(Endpoint? endpoint) => endpoint?.Metadata.GetMetadata<InferenceEndpoint>() is not null;
}
