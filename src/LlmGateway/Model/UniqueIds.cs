using System.Buffers.Binary;

namespace LlmGateway.Model;

/// <summary>
/// Ids that must be unique and need not be secret (RFC 9562). The framework's own ask the kernel for random bytes each time, which on the
/// hot path costs more than all else about an id.
/// </summary>
internal static class UniqueIds
{
    /// <summary>Version 7: ids made later sort later, to the millisecond.</summary>
    public static Guid NewVersion7(DateTimeOffset now)
    {
        Span<byte> bytes = stackalloc byte[16];
        Random.Shared.NextBytes(bytes[6..]);
        Span<byte> time = stackalloc byte[8];
        BinaryPrimitives.WriteInt64BigEndian(time, now.ToUnixTimeMilliseconds());
        time[2..].CopyTo(bytes);
        return Mark(bytes, 0x70);
    }

    /// <summary>What is not above any version 7 id of this millisecond or a later one, and is above all earlier ones.</summary>
    public static Guid FirstOf(DateTimeOffset time)
    {
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteInt64BigEndian(bytes, time.ToUnixTimeMilliseconds() << 16);
        return new Guid(bytes, bigEndian: true);
    }

    /// <summary>When an id of version 7 was made, to the millisecond.</summary>
    public static DateTimeOffset TimeOf(Guid version7)
    {
        Span<byte> bytes = stackalloc byte[16];
        version7.TryWriteBytes(bytes, bigEndian: true, out _);
        Span<byte> time = stackalloc byte[8];
        time.Clear();
        bytes[..6].CopyTo(time[2..]);
        return DateTimeOffset.FromUnixTimeMilliseconds(BinaryPrimitives.ReadInt64BigEndian(time));
    }

    /// <summary>Version 4: random.</summary>
    public static Guid NewVersion4()
    {
        Span<byte> bytes = stackalloc byte[16];
        Random.Shared.NextBytes(bytes);
        return Mark(bytes, 0x40);
    }

    private static Guid Mark(Span<byte> bytes, byte version)
    {
        bytes[6] = (byte)((bytes[6] & 0x0F) | version);
        bytes[8] = (byte)((bytes[8] & 0x3F) | 0x80);
        return new Guid(bytes, bigEndian: true);
    }
}
