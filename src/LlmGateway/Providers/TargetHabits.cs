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
}
