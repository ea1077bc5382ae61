namespace LlmGateway.Model;

/// <summary>What a provider call was for.</summary>
public enum AttemptRole
{
    Answer,
    Hedge,
    Candidate,
    Evaluator,
    Tool,
}
