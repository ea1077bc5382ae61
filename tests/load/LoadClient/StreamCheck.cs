using System.Globalization;
using System.Text;

namespace LoadClient;

/// <summary>Follows one stream's bytes and counts the content chunks that came whole and in order.</summary>
internal sealed class StreamCheck(int expected)
{
    private static readonly byte[] ContentMark = "\"content\":\" "u8.ToArray();

    private readonly byte[] _tail = new byte[4096];
    private int _tailLength;
    private bool _sawDone;

    /// <summary>Content chunks so far, each the one after the last.</summary>
    public int Events { get; private set; }

    public bool IsComplete => Events == expected && _sawDone;

    public void Take(ReadOnlySpan<byte> bytes)
    {
        if (_tailLength > 0)
        {
            // The beginning of an event was left over from the read before.
            byte[] joined = [.. _tail.AsSpan(0, _tailLength), .. bytes];
            _tailLength = 0;
            TakeWhole(joined);
            return;
        }

        TakeWhole(bytes);
    }

    private void TakeWhole(ReadOnlySpan<byte> bytes)
    {
        while (bytes.IndexOf("\n\n"u8) is var end and >= 0)
        {
            TakeEvent(bytes[..end]);
            bytes = bytes[(end + 2)..];
        }

        bytes.CopyTo(_tail);
        _tailLength = bytes.Length;
    }

    private void TakeEvent(ReadOnlySpan<byte> item)
    {
        if (item.SequenceEqual("data: [DONE]"u8))
        {
            _sawDone = true;
            return;
        }

        var at = item.IndexOf(ContentMark);
        if (at < 0)
        {
            if (item.IndexOf("\"error\""u8) >= 0)
            {
                throw new InvalidDataException(Encoding.UTF8.GetString(item));
            }

            return;
        }

        var number = item[(at + ContentMark.Length)..];
        number = number[..number.IndexOf((byte)'"')];
        if (int.Parse(number, CultureInfo.InvariantCulture) != Events)
        {
            throw new InvalidDataException($"chunk {Events} expected: {Encoding.UTF8.GetString(item)}");
        }

        Events++;
    }
}
