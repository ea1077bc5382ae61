using System.Buffers;
using System.Text.Json;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Providers;

/// <summary>Writes OpenAI's list of embeddings from arrays of numbers, in the encoding that the client asked for.</summary>
internal sealed class EmbeddingListWriter : IDisposable
{
    private readonly ArrayBufferWriter<byte> _output;
    private readonly ArrayBufferWriter<byte>? _floats;
    private readonly Utf8JsonWriter _json;

    /// <param name="model">The model that the client is told.</param>
    /// <param name="asBase64">Base64 of little-endian float32, not numbers.</param>
    /// <param name="sizeHint">About how long the list gets.</param>
    public EmbeddingListWriter(string model, bool asBase64, int sizeHint)
    {
        _output = new ArrayBufferWriter<byte>(sizeHint + 256);
        _floats = asBase64 ? new ArrayBufferWriter<byte>(1024 * sizeof(float)) : null;
        _json = new Utf8JsonWriter(_output, OpenAiJson.Writing);
        _json.WriteStartObject();
        _json.WriteString("object"u8, "list"u8);
        _json.WriteString("model"u8, model);
        _json.WriteStartArray("data"u8);
    }

    public int Count { get; private set; }

    /// <summary>Adds the vector that <paramref name="reader"/> stands on, and reads to its end; false where it is none.</summary>
    /// <param name="reader">Stands on the value.</param>
    /// <param name="body">What the reader reads, from its beginning.</param>
    public bool TryAdd(ref Utf8JsonReader reader, ReadOnlySpan<byte> body)
    {
        var start = (int)reader.TokenStartIndex;
        _floats?.ResetWrittenCount();
        if (reader.TokenType != JsonTokenType.StartArray || !EmbeddingVector.TryReadNumbers(ref reader, _floats))
        {
            return false;
        }

        _json.WriteStartObject();
        _json.WriteString("object"u8, "embedding"u8);
        _json.WriteNumber("index"u8, Count++);
        _json.WritePropertyName("embedding"u8);
        if (_floats is not null)
        {
            _json.WriteBase64StringValue(_floats.WrittenSpan);
        }
        else
        {
            // Numbers stay as the provider wrote them; the blanks of an indented answer do not.
            _json.WriteRawValue(CompactJson.Of(body[start..(int)reader.BytesConsumed]), skipInputValidation: true);
        }

        _json.WriteEndObject();
        return true;
    }

    /// <summary>Ends the list, which has no form without usage.</summary>
    public ReadOnlyMemory<byte> End(long tokens)
    {
        _json.WriteEndArray();
        _json.WriteStartObject("usage"u8);
        _json.WriteNumber("prompt_tokens"u8, tokens);
        _json.WriteNumber("total_tokens"u8, tokens);
        _json.WriteEndObject();
        _json.WriteEndObject();
        _json.Flush();
        return _output.WrittenMemory;
    }

    public void Dispose() => _json.Dispose();
}
