using System.Text.Json;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Providers;

/// <summary>
/// Members that OpenAI's form has not and clients of Ollama's or Anthropic's form bring along. Many compatible servers know some of them,
/// or pass over what they do not know; OpenAI itself answers 400.
/// </summary>
internal static class BorrowedMembers
{
    private static readonly string[] Names =
    [
        "top_k", "min_p", "typical_p", "repeat_penalty", "repeat_last_n", "num_ctx", "num_keep", "num_batch", "num_gpu", "main_gpu", "num_thread",
        "mirostat", "mirostat_tau", "mirostat_eta", "tfs_z", "penalize_newline", "use_mmap",
    ];

    private static readonly string[] Refusals = ["unrecognized", "unknown", "unsupported", "not support", "not permitted", "unexpected", "extra", "additional propert"];

    /// <summary>Whether a refusal (status 400) says that one of them is not known; one of a known member's value does not.</summary>
    public static bool AreRefused(ProviderError error, ReadOnlySpan<byte> body)
    {
        var message = error.Message;
        if (error.Code is not ("unsupported_parameter" or "unknown_parameter") && !Refusals.Any(word => message.Contains(word, StringComparison.OrdinalIgnoreCase)))
        {
            return false;
        }

        var reader = new Utf8JsonReader(body);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = reader.GetString()!;
            if (Names.Contains(name) && (error.Param == name || message.Contains(name, StringComparison.Ordinal)))
            {
                return true;
            }

            reader.Skip();
        }

        return false;
    }

    public static SplicedBody Remove(SplicedBody body)
    {
        using var edits = JsonEdits.TryParse(body.ToMemory());
        edits?.Remove(edits.Root, Names);
        return edits?.Apply() ?? body;
    }
}
