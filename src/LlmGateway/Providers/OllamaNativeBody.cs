using System.Text.Json;
using LlmGateway.Model;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Providers;

/// <summary>
/// The body of a client that speaks Ollama's form itself, as the target gets it: the model, the profile's system prompt and its sampling are
/// spliced in, and all other bytes stay, so that what OpenAI's form cannot say arrives as it was sent.
/// </summary>
internal static class OllamaNativeBody
{
    /// <summary>Writes the body; the answer is null, or why there is none.</summary>
    public static ProviderCall? TryWrite(GatewayRequest request, ProviderTarget target, TargetHabits habits, out SplicedBody body)
    {
        body = default;
        using var edits = JsonEdits.TryParse(request.ClientBody);
        if (edits is null)
        {
            return RequestTranslation.InvalidJson();
        }

        try
        {
            var problem = Splice(edits, request, target, habits);
            body = edits.Apply();
            return problem;
        }
        catch (InvalidOperationException)
        {
            // An escape of half a surrogate pair shows itself when its string is read.
            return RequestTranslation.InvalidJson();
        }
    }

    private static ProviderCall? Splice(JsonEdits edits, GatewayRequest request, ProviderTarget target, TargetHabits habits)
    {
        Put(edits, "model", Quote(target.Model));
        if (edits.Root.Find("stream"u8) is null)
        {
            // What says nothing of streaming wants it; said aloud, because the answer is read by it.
            Put(edits, "stream", "true");
        }

        if (OllamaRequestWriter.FillsJson(request, target))
        {
            Put(edits, "format", "\"json\"");
        }

        SpliceThink(edits, target.Sampling, refusesThinking: (habits & TargetHabits.RefusesThinking) != 0);
        SpliceOptions(edits, target.Sampling);
        return SpliceSystem(edits, request, target);
    }

    /// <summary>The profile's prompt comes first, the client's own behind it.</summary>
    private static ProviderCall? SpliceSystem(JsonEdits edits, GatewayRequest request, ProviderTarget target)
    {
        if (OllamaRequestWriter.SystemPrompt(request, target) is not { Length: > 0 } prompt)
        {
            return null;
        }

        var root = edits.Root;
        if (root.Find("messages"u8) is { ValueKind: JsonValueKind.Array } messages)
        {
            edits.Prepend(messages, $$"""{"role":"system","content":{{Quote(prompt)}}}""");
            return null;
        }

        // Ollama refuses a system prompt beside a raw prompt, and ignores it beside a suffix.
        if (root.Find("raw"u8) is { ValueKind: JsonValueKind.True } || root.FindText("suffix"u8) is { Length: > 0 })
        {
            return string.IsNullOrEmpty(request.Profile.SystemPrompt)
                ? null
                : ProviderCall.CannotCarry($"the system prompt of agent '{request.Profile.Name}' cannot be put in front of a raw prompt, or of one with a suffix");
        }

        var own = root.Find("system"u8);
        Put(edits, "system", own is { ValueKind: JsonValueKind.String } text && text.GetRawText() is { Length: > 2 } raw
            ? Quote($"{prompt}\n\n")[..^1] + raw[1..]
            : Quote(prompt));
        return null;
    }

    /// <summary>The profile's effort where the client says nothing. A model that has refused to think is not asked to again.</summary>
    private static void SpliceThink(JsonEdits edits, SamplingDefaults sampling, bool refusesThinking)
    {
        var own = edits.Root.Find("think"u8);
        if (refusesThinking && own is { ValueKind: not JsonValueKind.False })
        {
            Put(edits, "think", "false");
        }
        else if (!refusesThinking && own is null && OllamaRequestWriter.ThinkOf(sampling.ReasoningEffort?.Trim('"')) is { } think)
        {
            Put(edits, "think", think);
        }
    }

    private static void SpliceOptions(JsonEdits edits, SamplingDefaults sampling)
    {
        var own = edits.Root.Find("options"u8);
        List<string> missing = [];
        Fill("temperature", sampling.Temperature);
        Fill("top_p", sampling.TopP);
        Fill("num_predict", sampling.MaxTokens);
        Fill("seed", sampling.Seed);
        Fill("stop", sampling.Stop is not { } stop ? null : stop.StartsWith('[') ? stop : $"[{stop}]");
        if (own?.Find("stop"u8) is { ValueKind: JsonValueKind.String } single)
        {
            // Ollama refuses a string here, and clients send one all the same.
            edits.Replace(single, $"[{single.GetRawText()}]");
        }

        if (missing.Count > 0 && own is { } options)
        {
            edits.Prepend(options, string.Join(',', missing));
        }
        else if (missing.Count > 0)
        {
            Put(edits, "options", $"{{{string.Join(',', missing)}}}");
        }

        void Fill(string name, string? value)
        {
            if (value is null)
            {
                return;
            }

            if (own is not { } set || !set.TryGetProperty(name, out var old))
            {
                missing.Add($"\"{name}\":{value}");
            }
            else if (old.ValueKind == JsonValueKind.Null)
            {
                edits.Replace(old, value);
            }
        }
    }

    /// <summary>Takes the place of the member's value, or adds the member.</summary>
    private static void Put(JsonEdits edits, string name, string json)
    {
        if (edits.Root.TryGetProperty(name, out var old))
        {
            edits.Replace(old, json);
        }
        else
        {
            edits.Prepend(edits.Root, $"\"{name}\":{json}");
        }
    }

    private static string Quote(string text) => $"\"{JsonEncodedText.Encode(text, OpenAiJson.Writing.Encoder)}\"";
}
