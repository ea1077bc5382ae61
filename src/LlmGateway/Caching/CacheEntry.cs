using System.Text.Json;
using System.Text.Json.Serialization;

namespace LlmGateway.Caching;

/// <summary>One answer as the cache keeps it: its bytes in OpenAI's form, streams as the events that they were.</summary>
internal sealed record CacheEntry
{
    /// <summary>Provider that had answered.</summary>
    public required string Provider { get; init; }

    public required string Model { get; init; }

    /// <summary>What it had cost.</summary>
    public required long CostMicroUsd { get; init; }

    public required bool IsStream { get; init; }

    [JsonIgnore]
    public ReadOnlyMemory<byte> Body { get; init; }

    /// <summary>A line of JSON, then the body: how it is kept outside of the process.</summary>
    public byte[] ToBytes() => [.. JsonSerializer.SerializeToUtf8Bytes(this, CacheJson.Default.CacheEntry), (byte)'\n', .. Body.Span];

    /// <summary>Null where the bytes are none of this form.</summary>
    public static CacheEntry? FromBytes(ReadOnlyMemory<byte> bytes)
    {
        var end = bytes.Span.IndexOf((byte)'\n');
        try
        {
            return end < 0 ? null : JsonSerializer.Deserialize(bytes.Span[..end], CacheJson.Default.CacheEntry)! with { Body = bytes[(end + 1)..] };
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(CacheEntry))]
internal sealed partial class CacheJson : JsonSerializerContext;
