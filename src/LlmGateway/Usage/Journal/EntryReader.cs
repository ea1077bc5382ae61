using System.Buffers.Binary;
using System.Text;

namespace LlmGateway.Usage.Journal;

/// <summary>Reads what <see cref="EntryWriter"/> wrote.</summary>
internal ref struct EntryReader
{
    /// <summary>No entry is longer; what claims to be is damaged.</summary>
    private const int MostBytes = 16 * 1024 * 1024;

    private ReadOnlySpan<byte> _rest;

    private EntryReader(ReadOnlySpan<byte> entry) => _rest = entry;

    public EntryKind Kind { get; private set; }

    /// <summary>Bytes of the entry at the start of these; 0 where more are needed to tell, negative where it cannot be one.</summary>
    public static int LengthOf(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < EntryWriter.HeaderBytes)
        {
            return 0;
        }

        var length = BinaryPrimitives.ReadInt32LittleEndian(bytes);
        return length is > 0 and <= MostBytes ? EntryWriter.HeaderBytes + length : -1;
    }

    /// <summary>False where the checksum does not fit.</summary>
    public static bool TryOpen(ReadOnlySpan<byte> entry, out EntryReader reader)
    {
        var content = entry[EntryWriter.HeaderBytes..];
        reader = new EntryReader(content[1..]) { Kind = (EntryKind)content[0] };
        return BinaryPrimitives.ReadUInt32LittleEndian(entry[4..]) == EntryWriter.Checksum(content);
    }

    public Guid ReadId()
    {
        var id = new Guid(_rest[..16], bigEndian: true);
        _rest = _rest[16..];
        return id;
    }

    public long ReadNumber()
    {
        var value = 0UL;
        for (var shift = 0; ; shift += 7)
        {
            var next = _rest[0];
            _rest = _rest[1..];
            value |= (ulong)(next & 0x7F) << shift;
            if (next < 0x80)
            {
                return (long)(value >> 1) ^ -(long)(value & 1);
            }
        }
    }

    public int ReadInt() => checked((int)ReadNumber());

    public bool ReadBool() => ReadNumber() != 0;

    public TimeSpan ReadTime() => new(ReadNumber());

    public TimeSpan? ReadOptionalTime() => ReadBool() ? ReadTime() : null;

    public string ReadText() => ReadOptionalText() ?? "";

    public string? ReadOptionalText()
    {
        var count = ReadInt();
        if (count < 0)
        {
            return null;
        }

        var text = Encoding.UTF8.GetString(_rest[..count]);
        _rest = _rest[count..];
        return text;
    }
}
