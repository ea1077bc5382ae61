using System.Text.Json;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Surfaces;

/// <summary>Turns <c>options</c> into sampling members; numbers as they are written.</summary>
internal static class OllamaClientOptions
{
    /// <summary>Numbers of the same name in OpenAI's form; all but the first five are extensions that some providers know.</summary>
    private static readonly string[] Numbers =
    [
        "temperature", "top_p", "seed", "frequency_penalty", "presence_penalty",
        "top_k", "min_p", "typical_p", "repeat_penalty", "repeat_last_n", "num_ctx", "num_keep", "num_batch", "num_gpu", "main_gpu", "num_thread",
        "mirostat", "mirostat_tau", "mirostat_eta", "tfs_z",
    ];

    public static void Read(JsonElement root, ClientRequestReader request)
    {
        if (root.Find("options"u8) is not { } options)
        {
            return;
        }

        if (options.ValueKind != JsonValueKind.Object)
        {
            request.Fail("options", "it must be an object.");
            return;
        }

        foreach (var name in Numbers)
        {
            request.CopyNumber(options, name, name, isWhole: name == "seed");
        }

        foreach (var name in (ReadOnlySpan<string>)["penalize_newline", "use_mmap"])
        {
            request.Copy(options, name, name, JsonValueKind.True, JsonValueKind.False);
        }

        request.CopyStop(options.Find("stop"u8), "stop", takesString: true);
        if (options.Find("num_predict"u8) is { } limit)
        {
            if (limit.ValueKind != JsonValueKind.Number || !limit.TryGetInt64(out var tokens))
            {
                request.Fail("num_predict", "it must be an integer.");
            }
            else if (tokens > 0)
            {
                request.WriteRaw("max_completion_tokens", limit);
            }
        }
    }
}
