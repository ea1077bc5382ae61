using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace LlmGateway.FunctionalTests.Infrastructure;

/// <summary>The bytes of HTTP/2 frames (RFC 9113), by hand, and the few that an answer's head takes in HPACK (RFC 7541) without tables of its own.</summary>
internal static class Http2Frame
{
    public const byte Data = 0;
    public const byte Headers = 1;
    public const byte ResetStream = 3;
    public const byte Settings = 4;
    public const byte Ping = 6;
    public const byte GoAway = 7;
    public const byte WindowUpdate = 8;
    public const byte Continuation = 9;

    public const byte Ack = 1;
    public const byte EndStream = 1;
    public const byte EndHeaders = 4;
    public const byte Padded = 8;
    public const byte Priority = 32;

    public const int NoError = 0;
    public const int InternalError = 2;
    public const int RefusedStream = 7;
    public const int Cancel = 8;

    public const int HeadLength = 9;

    public static ReadOnlySpan<byte> Preface => "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8;

    public static byte[] Of(byte type, byte flags, int streamId, ReadOnlySpan<byte> payload)
    {
        var frame = new byte[HeadLength + payload.Length];
        BinaryPrimitives.WriteUInt32BigEndian(frame, (uint)payload.Length << 8);
        (frame[3], frame[4]) = (type, flags);
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(5), streamId);
        payload.CopyTo(frame.AsSpan(HeadLength));
        return frame;
    }

    public static byte[] Number(int value)
    {
        var bytes = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(bytes, value);
        return bytes;
    }

    /// <summary>SETTINGS_MAX_CONCURRENT_STREAMS.</summary>
    public static byte[] MaxStreams(int count) => [0, 3, .. Number(count)];

    /// <summary>Status and content type, as literals without indexing.</summary>
    public static byte[] HeaderBlock(int status, string contentType) =>
        [0x08, .. Text(status.ToString(CultureInfo.InvariantCulture)), 0x0F, 31 - 15, .. Text(contentType)];

    /// <summary>What a client says first, settings and all.</summary>
    public static byte[] Hello(byte[]? settings = null) => [.. Preface, .. Of(Settings, 0, 0, settings ?? [])];

    /// <summary>The head of a chat request: indexed fields of the static table, the rest as literals.</summary>
    public static byte[] ChatHead() => [0x83, 0x86, .. Literal(0x44, "/v1/chat/completions"), .. Literal(0x41, "localhost"), .. Literal(0x5f, "application/json")];

    /// <summary>A literal field whose name stands in the static table.</summary>
    public static byte[] Literal(byte index, string value) => [index, .. Text(value)];

    private static byte[] Text(string value) => [(byte)value.Length, .. Encoding.ASCII.GetBytes(value)];
}
