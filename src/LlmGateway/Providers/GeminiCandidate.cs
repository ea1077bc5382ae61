using LlmGateway.Providers.Wire;

namespace LlmGateway.Providers;

/// <summary>What is known of one candidate (OpenAI's choice) while its chunks come in.</summary>
internal sealed class GeminiCandidate(int index)
{
    private readonly List<(string Id, bool IsOwn, string? Signature)> _calls = [];

    public int Index { get; } = index;

    /// <summary>How it ended, the calls aside; null while it goes on.</summary>
    public FinishReason? Ended { get; private set; }

    public bool HasOutput { get; set; }

    /// <summary>Calls so far: their numbers count over the whole stream.</summary>
    public int CallCount => _calls.Count;

    /// <summary>The last signature that came with a text, or with nothing.</summary>
    public string? TextSignature { get; set; }

    /// <summary>OpenAI's reason: Gemini says STOP after calls too; a hit limit stays one, because the last call may be cut off.</summary>
    public FinishReason Finish => Ended is FinishReason.Stop or null ? CallCount > 0 ? FinishReason.ToolCalls : FinishReason.Stop : Ended.Value;

    /// <summary>Old models say STOP on every chunk: a reason is remembered, the last one holds, and it is told at the end.</summary>
    public void End(FinishReason reason) => Ended = reason;

    /// <summary>Takes the id that Gemini gave, or a generated one.</summary>
    public string AddCall(string? ownId, string? signature, Func<Guid> newGuid)
    {
        var isOwn = !string.IsNullOrEmpty(ownId) && !_calls.Exists(call => call.Id == ownId);
        var id = isOwn ? ownId! : $"call_{newGuid():N}";
        _calls.Add((id, isOwn, signature));
        return id;
    }

    /// <summary>Keeps what Gemini wants back when the client replays the calls.</summary>
    public void KeepCalls(GeminiCallMemory memory)
    {
        for (var i = 0; i < _calls.Count; i++)
        {
            memory.Keep(_calls[i].Id, new GeminiCallState(_calls[i].IsOwn, _calls[i].Signature, i == 0 ? TextSignature : null));
        }
    }
}
