namespace LlmGateway.Api;

/// <summary>Marks an endpoint whose calls cost tokens: each leaves a request record and a log line.</summary>
internal sealed class InferenceEndpoint
{
    public static InferenceEndpoint Instance { get; } = new();
}
