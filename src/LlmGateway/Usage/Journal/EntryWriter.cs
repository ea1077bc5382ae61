using System.Buffers;
using System.Buffers.Binary;
using System.Numerics;
using System.Text;

namespace LlmGateway.Usage.Journal;

/// <summary>
/// Writes one entry: its length, its checksum (CRC-32C) and its kind, then values one after the other. Numbers take as few bytes as they
/// need. The bytes are of the shared pool; who takes them gives them back.
/// </summary>
internal ref struct EntryWriter
{
    /// <summary>Length of what follows, then its checksum.</summary>
    public const int HeaderBytes = 8;

    private const int MostBytesOfNumber = 10;

    private byte[] _bytes = ArrayPool<byte>.Shared.Rent(1024);
    private int _length = HeaderBytes;

    public EntryWriter(EntryKind kind) => _bytes[_length++] = (byte)kind;

    public static uint Checksum(ReadOnlySpan<byte> bytes)
    {
        var sum = uint.MaxValue;
        for (; bytes.Length >= sizeof(ulong); bytes = bytes[sizeof(ulong)..])
        {
            sum = BitOperations.Crc32C(sum, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
        }

        foreach (var value in bytes)
        {
            sum = BitOperations.Crc32C(sum, value);
        }

        return ~sum;
    }

    public void Write(Guid id)
    {
        Reserve(16);
        id.TryWriteBytes(_bytes.AsSpan(_length), bigEndian: true, out _);
        _length += 16;
    }

    public void Write(long number)
    {
        Reserve(MostBytesOfNumber);
        var rest = (ulong)((number << 1) ^ (number >> 63));
        for (; rest >= 0x80; rest >>= 7)
        {
            _bytes[_length++] = (byte)(rest | 0x80);
        }

        _bytes[_length++] = (byte)rest;
    }

    public void Write(bool value) => Write(value ? 1L : 0L);

    public void Write(TimeSpan time) => Write(time.Ticks);

    /// <summary>Null is told apart from nothing.</summary>
    public void Write(TimeSpan? time)
    {
        Write(time is not null);
        if (time is { } some)
        {
            Write(some);
        }
    }

    public void Write(string? text)
    {
        if (text is null)
        {
            Write(-1L);
            return;
        }

        var count = Encoding.UTF8.GetByteCount(text);
        Write((long)count);
        Reserve(count);
        _length += Encoding.UTF8.GetBytes(text, _bytes.AsSpan(_length));
    }

    /// <summary>Puts length and checksum in front, and hands the bytes over.</summary>
    public readonly (byte[] Bytes, int Length) Finish()
    {
        BinaryPrimitives.WriteInt32LittleEndian(_bytes, _length - HeaderBytes);
        BinaryPrimitives.WriteUInt32LittleEndian(_bytes.AsSpan(4), Checksum(_bytes.AsSpan(HeaderBytes, _length - HeaderBytes)));
        return (_bytes, _length);
    }

    private void Reserve(int count)
    {
        if (_bytes.Length - _length >= count)
        {
            return;
        }

        var larger = ArrayPool<byte>.Shared.Rent(Math.Max(_bytes.Length * 2, _length + count));
        _bytes.AsSpan(0, _length).CopyTo(larger);
        ArrayPool<byte>.Shared.Return(_bytes);
        _bytes = larger;
    }
}
