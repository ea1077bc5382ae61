using LlmGateway.Model;

namespace LlmGateway.Providers;

/// <summary>A whole answer in OpenAI's form, or what is wrong with it.</summary>
/// <param name="Body">The answer as the client gets it.</param>
/// <param name="Usage">What the provider says it used; null where it does not say.</param>
/// <param name="OutputBytes">Bytes of text, reasoning and tool arguments in the answer, for an estimate where usage is missing.</param>
/// <param name="Error">Set when the answer is an error or no answer at all.</param>
public readonly record struct ProviderReply(ReadOnlyMemory<byte> Body, TokenUsage? Usage, int OutputBytes = 0, ProviderError? Error = null)
{
    public static ProviderReply Failed(ProviderError error) => new(default, null, 0, error);

    public static ProviderReply Invalid(string message) => Failed(new ProviderError(200, message) { Reason = FailureReason.InvalidResponse });
}
