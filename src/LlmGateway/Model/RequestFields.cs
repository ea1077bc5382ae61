namespace LlmGateway.Model;

/// <summary>Top-level members that a request set itself (to something other than null): a profile does not fill these.</summary>
[Flags]
public enum RequestFields
{
    None = 0,
    Temperature = 1 << 0,
    TopP = 1 << 1,
    MaxTokens = 1 << 2,
    MaxCompletionTokens = 1 << 3,
    Stop = 1 << 4,
    Seed = 1 << 5,
    ReasoningEffort = 1 << 6,
    ResponseFormat = 1 << 7,
    Tools = 1 << 8,
    StreamOptions = 1 << 9,

    /// <summary>More than one choice is wanted (<c>n</c>).</summary>
    SeveralChoices = 1 << 10,
}
