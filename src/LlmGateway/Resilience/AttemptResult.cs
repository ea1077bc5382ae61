namespace LlmGateway.Resilience;

/// <summary>An answer in OpenAI's form, or a failure with its reason; one of the two is set.</summary>
internal readonly record struct AttemptResult(HttpResponseMessage? Response, AttemptFailure? Failure)
{
    public static AttemptResult Answered(HttpResponseMessage response) => new(response, null);

    public static AttemptResult Failed(AttemptFailure failure) => new(null, failure);
}
