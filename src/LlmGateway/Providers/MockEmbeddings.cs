using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.Json;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Providers;

/// <summary>The mock's embeddings: unit vectors made from a hash of the input, so that equal inputs get equal vectors, always.</summary>
internal static class MockEmbeddings
{
    private const int UsualDimensions = 256;
    private const int MostDimensions = 4096;

    /// <summary>The answer in OpenAI's form; null where the request is no embeddings request.</summary>
    public static byte[]? Answer(ReadOnlyMemory<byte> body)
    {
        try
        {
            using var document = JsonDocument.Parse(body);
            return document.RootElement is { ValueKind: JsonValueKind.Object } root && root.Find("input"u8) is { } input ? Write(root, input) : null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    private static byte[]? Write(JsonElement root, JsonElement input)
    {
        var dimensions = root.Find("dimensions"u8) is { ValueKind: JsonValueKind.Number } wanted && wanted.TryGetInt32(out var length) ? length : UsualDimensions;
        if (dimensions is < 1 or > MostDimensions)
        {
            return null;
        }

        var asBase64 = root.FindText("encoding_format"u8) == "base64";
        var output = new ArrayBufferWriter<byte>();
        using var json = new Utf8JsonWriter(output, OpenAiJson.Writing);
        json.WriteStartObject();
        json.WriteString("object"u8, "list"u8);
        json.WriteStartArray("data"u8);
        var index = 0;
        foreach (var text in Inputs(input))
        {
            json.WriteStartObject();
            json.WriteString("object"u8, "embedding"u8);
            json.WriteNumber("index"u8, index++);
            json.WritePropertyName("embedding"u8);
            var vector = Vector(JsonMarshal.GetRawUtf8Value(text), dimensions);
            if (asBase64)
            {
                json.WriteBase64StringValue(vector);
            }
            else
            {
                EmbeddingVector.TryWriteNumbers(json, vector);
            }

            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteString("model"u8, root.FindText("model"u8) ?? "mock");
        var tokens = (JsonMarshal.GetRawUtf8Value(input).Length + 3) / 4;
        json.WriteStartObject("usage"u8);
        json.WriteNumber("prompt_tokens"u8, tokens);
        json.WriteNumber("total_tokens"u8, tokens);
        json.WriteEndObject();
        json.WriteEndObject();
        json.Flush();
        return output.WrittenSpan.ToArray();
    }

    /// <summary>A list of tokens is one input, a list of anything else is several.</summary>
    private static JsonElement[] Inputs(JsonElement input) =>
        input.ValueKind != JsonValueKind.Array || (input.GetArrayLength() > 0 && input[0].ValueKind == JsonValueKind.Number) ? [input] : [.. input.EnumerateArray()];

    private static byte[] Vector(ReadOnlySpan<byte> text, int dimensions)
    {
        var seed = BinaryPrimitives.ReadUInt64LittleEndian(SHA256.HashData(text)) | 1;
        var numbers = new double[dimensions];
        var square = 0.0;
        for (var i = 0; i < dimensions; i++)
        {
            // xorshift64: the same on every machine and in every version.
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            numbers[i] = ((seed >> 11) * (2.0 / (1UL << 53))) - 1;
            square += numbers[i] * numbers[i];
        }

        var vector = new ArrayBufferWriter<byte>(dimensions * sizeof(float));
        foreach (var number in numbers)
        {
            EmbeddingVector.Append(vector, (float)(number / Math.Sqrt(square)));
        }

        return vector.WrittenSpan.ToArray();
    }
}
