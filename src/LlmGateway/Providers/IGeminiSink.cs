using System.Text.Json;

namespace LlmGateway.Providers;

/// <summary>Takes what a Gemini answer holds, in the order in which it stands there.</summary>
internal interface IGeminiSink
{
    /// <param name="candidate">The candidate that says it.</param>
    /// <param name="text">A JSON string, not empty.</param>
    /// <param name="logprobs">OpenAI's <c>logprobs</c> object; empty: none.</param>
    void OnText(GeminiCandidate candidate, ReadOnlySpan<byte> text, ReadOnlyMemory<byte> logprobs);

    /// <param name="candidate">The candidate that thinks.</param>
    /// <param name="text">A JSON string, not empty.</param>
    void OnThought(GeminiCandidate candidate, ReadOnlySpan<byte> text);

    /// <param name="candidate">The candidate that calls.</param>
    /// <param name="id">The call's id towards the client.</param>
    /// <param name="name">A JSON string, not empty.</param>
    /// <param name="arguments">The JSON of the arguments, an object.</param>
    void OnCall(GeminiCandidate candidate, string id, JsonElement name, ReadOnlySpan<byte> arguments);

    /// <param name="candidate">The candidate that draws.</param>
    /// <param name="dataUri">The picture.</param>
    void OnImage(GeminiCandidate candidate, string dataUri);
}
