namespace LlmGateway.Providers;

/// <summary>What a target has been seen to refuse; learnt from its 400s and remembered as long as its settings stay.</summary>
[Flags]
public enum TargetHabits
{
    None = 0,

    /// <summary>Answers 400 to <c>stream_options</c>.</summary>
    RefusesStreamOptions = 1,

    /// <summary>Answers 400 to a thinking switch: the model has no such mode.</summary>
    RefusesThinking = 2,

    /// <summary>Wants <c>max_completion_tokens</c> (OpenAI's reasoning models).</summary>
    RefusesMaxTokens = 4,

    /// <summary>Takes no temperature but its own.</summary>
    RefusesTemperature = 8,

    /// <summary>Takes no <c>top_p</c>.</summary>
    RefusesTopP = 16,

    /// <summary>Takes no stop sequences.</summary>
    RefusesStop = 32,

    /// <summary>Takes no <c>seed</c>.</summary>
    RefusesSeed = 64,

    /// <summary>Answers 400 to what clients of another form bring along and OpenAI's form has not (Ollama's <c>num_ctx</c>, <c>top_k</c>).</summary>
    RefusesBorrowedMembers = 128,
}
