using System.Buffers.Binary;
using System.Text;

namespace LlmGateway.FunctionalTests.Infrastructure;

/// <summary>HTTP/2 frames of a test's own making, as bytes (RFC 9113, section 6).</summary>
internal static class Http2Frames
{
    public const byte Data = 0;
    public const byte Headers = 1;
    public const byte ResetStream = 3;
    public const byte Settings = 4;
    public const byte Ping = 6;
    public const byte GoAway = 7;
    public const byte Continuation = 9;

    public const byte EndStream = 1;
    public const byte EndHeaders = 4;

    /// <summary>What a client says first, settings and all.</summary>
    public static byte[] Hello(byte[]? settings = null) => [.. "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8, .. Frame(Settings, 0, 0, settings ?? [])];

    public static byte[] Frame(byte type, byte flags, int stream, byte[] payload)
    {
        var frame = new byte[9 + payload.Length];
        BinaryPrimitives.WriteInt32BigEndian(frame, payload.Length << 8);
        (frame[3], frame[4]) = (type, flags);
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(5), stream);
        payload.CopyTo(frame, 9);
        return frame;
    }

    /// <summary>The head of a chat request: indexed fields of the static table, the rest as literals (RFC 7541).</summary>
    public static byte[] ChatHead() => [0x83, 0x86, .. Literal(0x44, "/v1/chat/completions"), .. Literal(0x41, "localhost"), .. Literal(0x5f, "application/json")];

    /// <summary>A literal field whose name stands in the static table.</summary>
    public static byte[] Literal(byte index, string value) => [index, (byte)value.Length, .. Encoding.ASCII.GetBytes(value)];
}
