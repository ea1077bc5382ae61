using System.Text.Json;

namespace LlmGateway.Sessions;

/// <summary>One message of a session. Both parts are compact JSON without line ends, so that an entry is a line of text wherever it is kept.</summary>
/// <param name="Kind">What trimming must know of it.</param>
/// <param name="Message">The message in OpenAI's form.</param>
/// <param name="Info">What is known about it: <c>{"timestamp":…,"metadata":{…}}</c>.</param>
internal sealed record SessionEntry(SessionEntryKind Kind, ReadOnlyMemory<byte> Message, ReadOnlyMemory<byte> Info)
{
    private const byte Parting = (byte)'\t';

    /// <summary>Whether the assistant calls tools in it.</summary>
    public bool CallsTools
    {
        get
        {
            if (Message.Span.IndexOf("\"tool_calls\":"u8) < 0)
            {
                return false;
            }

            using var message = JsonDocument.Parse(Message);
            return message.RootElement.TryGetProperty("tool_calls"u8, out var calls) && calls.ValueKind == JsonValueKind.Array && calls.GetArrayLength() > 0;
        }
    }

    public int Length => Message.Length + Info.Length + 2;

    /// <summary>Kind, info, a tab, message.</summary>
    public byte[] ToLine()
    {
        var line = new byte[Length];
        line[0] = (byte)Kind;
        Info.CopyTo(line.AsMemory(1));
        line[Info.Length + 1] = Parting;
        Message.CopyTo(line.AsMemory(Info.Length + 2));
        return line;
    }

    /// <summary>Null where the line is none of this form.</summary>
    public static SessionEntry? FromLine(ReadOnlyMemory<byte> line)
    {
        var tab = line.Span.IndexOf(Parting);
        return tab < 1 || !Enum.IsDefined((SessionEntryKind)line.Span[0]) ? null : new((SessionEntryKind)line.Span[0], line[(tab + 1)..], line[1..tab]);
    }
}
