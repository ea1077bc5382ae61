namespace LlmGateway.Tools;

/// <summary>One tool call that a model asks for.</summary>
/// <param name="Id">The call's id, which its result must name.</param>
/// <param name="Name">The tool's name.</param>
/// <param name="Arguments">JSON as the model wrote it, unchecked.</param>
internal sealed record RequestedCall(string Id, string Name, string Arguments)
{
    /// <summary>An id for a call that came without one.</summary>
    public static string NewId() => $"call_{Guid.NewGuid():N}";
}
