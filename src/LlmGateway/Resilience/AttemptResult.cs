using LlmGateway.Model;

namespace LlmGateway.Resilience;

/// <summary>An answer in OpenAI's form, or a failure with its reason; one of the two is set.</summary>
internal readonly record struct AttemptResult(HttpResponseMessage? Response, AttemptFailure? Failure)
{
    /// <summary>The account of the call that this is the result of; null where none was made.</summary>
    public AttemptTally? Attempt { get; init; }

    public static AttemptResult Answered(HttpResponseMessage response) => new(response, null);

    public static AttemptResult Failed(AttemptFailure failure) => new(null, failure);
}
