using System.Buffers;
using System.Text.Json;
using System.Text.Unicode;
using LlmGateway.Model;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Providers;

/// <summary>
/// Looks through a list of embeddings and changes it only where the vectors are in the other of the two encodings: SDKs ask for base64 and
/// cannot read numbers, and servers exist that know one encoding alone.
/// </summary>
internal static class OpenAiEmbeddings
{
    public static ProviderReply Read(ReadOnlyMemory<byte> body, ScannedRequest scan)
    {
        if (body.Span.StartsWith("\uFEFF"u8))
        {
            body = body[3..];
        }

        if (!Utf8.IsValid(body.Span))
        {
            return ProviderReply.Invalid("the answer was not valid UTF-8");
        }

        try
        {
            return ReadList(body, scan);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or FormatException)
        {
            // Half of a surrogate pair in a member's name is an InvalidOperationException.
            return ProviderReply.Invalid("the answer was not valid JSON");
        }
    }

    private static ProviderReply ReadList(ReadOnlyMemory<byte> body, ScannedRequest scan)
    {
        var reader = new Utf8JsonReader(body.Span);
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            return ProviderReply.Invalid("the answer was not a JSON object");
        }

        var splicer = new BodySplicer();
        TokenUsage? usage = null;
        var count = 0;
        var (isError, isBroken) = (false, false);
        while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
        {
            var isData = reader.ValueTextEquals("data"u8);
            var isUsage = reader.ValueTextEquals("usage"u8);
            var tellsError = reader.ValueTextEquals("error"u8);
            reader.Read();
            if (isData && reader.TokenType == JsonTokenType.StartArray)
            {
                count = ReadData(ref reader, scan.WantsBase64, splicer, ref isBroken);
                continue;
            }

            if (isUsage && reader.TokenType == JsonTokenType.StartObject)
            {
                usage = OpenAiUsageReader.Read(ref reader);
                continue;
            }

            isError |= tellsError && reader.TokenType is not (JsonTokenType.Null or JsonTokenType.False);
            reader.Skip();
        }

        // Throws if anything but white space follows.
        reader.Read();
        if (isError)
        {
            return ProviderReply.Failed(OpenAiErrorReader.Read(200, body.Span));
        }

        return isBroken ? ProviderReply.Invalid("an embedding was no vector")
            : count != scan.InputCount ? ProviderReply.Invalid($"the answer held {count} embeddings for {scan.InputCount} inputs")
            : new ProviderReply(splicer.IsEmpty ? body : splicer.Apply(body).ToArray(), usage);
    }

    private static int ReadData(ref Utf8JsonReader reader, bool wantsBase64, BodySplicer splicer, ref bool isBroken)
    {
        var count = 0;
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType != JsonTokenType.StartObject)
            {
                isBroken = true;
                reader.Skip();
                continue;
            }

            count++;
            var hasVector = false;
            while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
            {
                var isVector = reader.ValueTextEquals("embedding"u8);
                reader.Read();
                if (isVector)
                {
                    hasVector = TryReadVector(ref reader, wantsBase64, splicer);
                }
                else
                {
                    reader.Skip();
                }
            }

            isBroken |= !hasVector;
        }

        return count;
    }

    /// <summary>Reads one vector, leaves the reader on its end, and notes its replacement if it is in the other encoding.</summary>
    private static bool TryReadVector(ref Utf8JsonReader reader, bool wantsBase64, BodySplicer splicer)
    {
        var start = (int)reader.TokenStartIndex;
        if (reader.TokenType == JsonTokenType.String)
        {
            if (!reader.TryGetBytesFromBase64(out var bytes) || bytes.Length is 0 || bytes.Length % sizeof(float) != 0)
            {
                return false;
            }

            if (wantsBase64)
            {
                return true;
            }

            var numbers = new ArrayBufferWriter<byte>(bytes.Length * 3);
            using var writer = new Utf8JsonWriter(numbers);
            if (!EmbeddingVector.TryWriteNumbers(writer, bytes))
            {
                return false;
            }

            writer.Flush();
            splicer.Replace(new JsonRange(start, (int)reader.BytesConsumed - start), numbers.WrittenSpan.ToArray());
            return true;
        }

        if (reader.TokenType != JsonTokenType.StartArray)
        {
            reader.Skip();
            return false;
        }

        var floats = new ArrayBufferWriter<byte>(wantsBase64 ? 1536 * sizeof(float) : 0x10);
        if (!EmbeddingVector.TryReadNumbers(ref reader, wantsBase64 ? floats : null))
        {
            return false;
        }

        if (wantsBase64)
        {
            splicer.Replace(
                new JsonRange(start, (int)reader.BytesConsumed - start),
                [(byte)'"', .. System.Text.Encoding.ASCII.GetBytes(Convert.ToBase64String(floats.WrittenSpan)), (byte)'"']);
        }

        return true;
    }
}
