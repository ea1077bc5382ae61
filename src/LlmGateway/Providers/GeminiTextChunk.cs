using System.Text.Json;
using LlmGateway.Model;

namespace LlmGateway.Providers;

/// <summary>
/// The chunk that streams are made of: one candidate with one part of text that goes on, and nothing else that matters. It is read in one
/// pass and without a document, which halves what an event costs; whatever holds more is left to <see cref="GeminiReader"/>.
/// </summary>
/// <param name="Index">The candidate's index.</param>
/// <param name="Text">The text, a JSON string that is not empty.</param>
/// <param name="IsThought">Whether the text is a thought.</param>
internal readonly record struct GeminiTextChunk(int Index, JsonRange Text, bool IsThought)
{
    /// <summary>Reads the chunk; false where it is not of this kind, or no JSON. Counts that it brings are noted either way.</summary>
    public static bool TryRead(ReadOnlySpan<byte> json, GeminiUsage usage, out GeminiTextChunk chunk)
    {
        chunk = default;
        var reader = new Utf8JsonReader(json);
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
        {
            return false;
        }

        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("candidates"u8))
            {
                if (!chunk.Text.IsEmpty || !TryEnter(ref reader, JsonTokenType.StartArray) || !TryReadCandidate(ref reader, ref chunk) || !TryLeave(ref reader))
                {
                    return false;
                }
            }
            else if (reader.ValueTextEquals("usageMetadata"u8))
            {
                reader.Read();
                usage.Note(ref reader);
            }
            else if (reader.ValueTextEquals("error"u8) || reader.ValueTextEquals("promptFeedback"u8))
            {
                return false;
            }
            else
            {
                reader.Skip();
            }
        }

        // One more read makes the reader refuse what stands behind the object.
        return !reader.Read() && !chunk.Text.IsEmpty;
    }

    private static bool TryReadCandidate(ref Utf8JsonReader reader, ref GeminiTextChunk chunk)
    {
        if (!TryEnter(ref reader, JsonTokenType.StartObject))
        {
            return false;
        }

        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("content"u8))
            {
                if (!chunk.Text.IsEmpty || !TryReadContent(ref reader, ref chunk))
                {
                    return false;
                }
            }
            else if (reader.ValueTextEquals("index"u8))
            {
                if (!reader.Read() || reader.TokenType != JsonTokenType.Number || !reader.TryGetInt32(out var index) || index is < 0 or > GeminiReader.MaxIndex)
                {
                    return false;
                }

                chunk = chunk with { Index = index };
            }
            else if (reader.ValueTextEquals("finishReason"u8) || reader.ValueTextEquals("logprobsResult"u8))
            {
                return false;
            }
            else
            {
                reader.Skip();
            }
        }

        return true;
    }

    private static bool TryReadContent(ref Utf8JsonReader reader, ref GeminiTextChunk chunk)
    {
        if (!TryEnter(ref reader, JsonTokenType.StartObject))
        {
            return false;
        }

        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (!reader.ValueTextEquals("parts"u8))
            {
                reader.Skip();
            }
            else if (!chunk.Text.IsEmpty || !TryEnter(ref reader, JsonTokenType.StartArray) || !TryReadPart(ref reader, ref chunk) || !TryLeave(ref reader))
            {
                return false;
            }
        }

        return true;
    }

    private static bool TryReadPart(ref Utf8JsonReader reader, ref GeminiTextChunk chunk)
    {
        if (!TryEnter(ref reader, JsonTokenType.StartObject))
        {
            return false;
        }

        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("text"u8))
            {
                reader.Read();
                if (reader.TokenType != JsonTokenType.String || reader.ValueSpan.IsEmpty)
                {
                    return false;
                }

                var start = (int)reader.TokenStartIndex;
                chunk = chunk with { Text = new JsonRange(start, (int)reader.BytesConsumed - start) };
            }
            else if (reader.ValueTextEquals("thought"u8))
            {
                reader.Read();
                chunk = chunk with { IsThought = reader.TokenType == JsonTokenType.True };
                reader.Skip();
            }
            else
            {
                // A call, a picture, a signature.
                return false;
            }
        }

        return !chunk.Text.IsEmpty;
    }

    private static bool TryEnter(ref Utf8JsonReader reader, JsonTokenType kind) => reader.Read() && reader.TokenType == kind;

    /// <summary>Leaves a list behind its first item; false where there are more.</summary>
    private static bool TryLeave(ref Utf8JsonReader reader) => TryEnter(ref reader, JsonTokenType.EndArray);
}
