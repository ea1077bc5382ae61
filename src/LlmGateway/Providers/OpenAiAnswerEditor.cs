using System.Text.Json;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Providers;

/// <summary>Edits the answers of one server that strays from OpenAI's form; made per answer, it may remember between chunks.</summary>
internal abstract class OpenAiAnswerEditor
{
    /// <summary>The answer or chunk as OpenAI would have written it; the same memory where nothing had to change.</summary>
    public ReadOnlyMemory<byte> Edit(ReadOnlyMemory<byte> json)
    {
        if (!IsConcerned(json.Span))
        {
            return json;
        }

        using var edits = JsonEdits.TryParse(json);
        if (edits is null)
        {
            return json;
        }

        try
        {
            Edit(edits);
            return edits.Apply().ToMemory();
        }
        catch (InvalidOperationException)
        {
            // Half of a surrogate pair in a name or a text that is looked at: it goes through as it came.
            return json;
        }
    }

    /// <summary>A quick look that spares most chunks the reading.</summary>
    public abstract bool IsConcerned(ReadOnlySpan<byte> json);

    protected abstract void Edit(JsonEdits edits);

    /// <summary>The message of each choice, or its delta, with the choice.</summary>
    protected static IEnumerable<(JsonElement Choice, JsonElement Message)> Messages(JsonElement root)
    {
        foreach (var choice in JsonEdits.Objects(root.Find("choices"u8)))
        {
            if ((choice.Find("delta"u8) ?? choice.Find("message"u8)) is { ValueKind: JsonValueKind.Object } message)
            {
                yield return (choice, message);
            }
        }
    }
}
