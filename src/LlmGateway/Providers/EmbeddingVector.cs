using System.Buffers;
using System.Buffers.Binary;
using System.Text.Json;

namespace LlmGateway.Providers;

/// <summary>One vector in its two encodings: an array of numbers, and little-endian float32 (which base64 then carries).</summary>
internal static class EmbeddingVector
{
    /// <summary>Reads the array that <paramref name="reader"/> stands on, to its end; false where it is empty or holds anything but finite numbers.</summary>
    /// <param name="reader">Stands on the array.</param>
    /// <param name="floats">Gets the float32 bytes; null: they are only checked.</param>
    public static bool TryReadNumbers(ref Utf8JsonReader reader, IBufferWriter<byte>? floats)
    {
        var depth = reader.CurrentDepth;
        var (count, isFine) = (0, true);
        while (reader.Read() && !(reader.TokenType == JsonTokenType.EndArray && reader.CurrentDepth == depth))
        {
            var number = 0f;
            isFine &= reader.TokenType == JsonTokenType.Number && reader.TryGetSingle(out number) && float.IsFinite(number);
            count++;
            if (isFine && floats is not null)
            {
                Append(floats, number);
            }
        }

        return isFine && count > 0;
    }

    public static void Append(IBufferWriter<byte> floats, float number)
    {
        BinaryPrimitives.WriteSingleLittleEndian(floats.GetSpan(sizeof(float)), number);
        floats.Advance(sizeof(float));
    }

    /// <summary>Writes float32 bytes as an array of numbers, each as short as it can be read back the same; false where one is not finite.</summary>
    public static bool TryWriteNumbers(Utf8JsonWriter writer, ReadOnlySpan<byte> floats)
    {
        writer.WriteStartArray();
        for (; !floats.IsEmpty; floats = floats[sizeof(float)..])
        {
            var number = BinaryPrimitives.ReadSingleLittleEndian(floats);
            if (!float.IsFinite(number))
            {
                return false;
            }

            writer.WriteNumberValue(number);
        }

        writer.WriteEndArray();
        return true;
    }
}
