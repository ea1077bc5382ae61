namespace LlmGateway.Providers;

/// <summary>One tenant's function calls at one provider: what came with them is kept, and found again when the client replays them.</summary>
internal sealed class GeminiCallMemory(ToolCallStates states, string tenant, string provider)
{
    public void Keep(string toolCallId, GeminiCallState state)
    {
        if (state.IsWorthKeeping)
        {
            states.Keep(tenant, provider, toolCallId, state.Encode());
        }
    }

    /// <summary>What was kept of the call; nothing of one that another provider made.</summary>
    public GeminiCallState Find(string? toolCallId) =>
        !string.IsNullOrEmpty(toolCallId) && states.TryGet(tenant, provider, toolCallId, out var state) ? GeminiCallState.Decode(state.Span) : default;
}
