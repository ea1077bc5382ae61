using System.Text.Json;
using LlmGateway.Model;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Sessions;

/// <summary>The messages of a request, found in its bytes: what a session adds to them, and what it keeps of them.</summary>
internal sealed class RequestMessages
{
    private readonly GatewayRequest _request;
    private readonly List<(JsonRange Range, MessageRole Role)> _messages = [];

    public RequestMessages(GatewayRequest request)
    {
        _request = request;
        var array = request.Scan.MessagesValue;
        var reader = new Utf8JsonReader(array.Of(request.Body.Span));
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.StartObject)
        {
            var start = (int)reader.TokenStartIndex;
            var role = ReadRole(ref reader);
            _messages.Add((new JsonRange(array.Start + start, (int)reader.BytesConsumed - start), role));
        }
    }

    /// <summary>Whether the client keeps the conversation itself and sent all of it.</summary>
    public bool HasHistory => _messages.Exists(message => message.Role is MessageRole.Assistant or MessageRole.Tool);

    /// <summary>The text of the last user message, for the record.</summary>
    public string LastUserText
    {
        get
        {
            var index = _messages.FindLastIndex(message => message.Role == MessageRole.User);
            return index < 0 ? "" : MessageText.Of(_messages[index].Range.Of(_request.Body.Span));
        }
    }

    /// <summary>What a session keeps: everything but the instructions, which each request brings anew.</summary>
    public IEnumerable<SessionEntry> Entries(ReadOnlyMemory<byte> info) =>
        from message in _messages
        where message.Role != MessageRole.System
        select new SessionEntry(
            message.Role == MessageRole.Tool ? SessionEntryKind.ToolResult : SessionEntryKind.Message,
            CompactJson.Of(message.Range.Of(_request.Body.Span)).ToArray(),
            info);

    /// <summary>The body with the session's messages behind the instructions and before everything else.</summary>
    public byte[] Prepend(IReadOnlyList<SessionEntry> entries)
    {
        var body = _request.Body.Span;
        var array = _request.Scan.MessagesValue;
        var output = new System.Buffers.ArrayBufferWriter<byte>(body.Length + entries.Sum(static entry => entry.Length) + 16);
        Write(output, body[..array.Start]);
        Write(output, "["u8);
        var isFirst = true;
        foreach (var (range, role) in _messages.Where(static message => message.Role == MessageRole.System))
        {
            Part(range.Of(body));
        }

        foreach (var entry in entries)
        {
            Part(entry.Message.Span);
        }

        foreach (var (range, role) in _messages.Where(static message => message.Role != MessageRole.System))
        {
            Part(range.Of(body));
        }

        Write(output, "]"u8);
        Write(output, body[array.End..]);
        return output.WrittenSpan.ToArray();

        void Part(ReadOnlySpan<byte> json)
        {
            if (!isFirst)
            {
                Write(output, ","u8);
            }

            isFirst = false;
            Write(output, json);
        }
    }

    private static void Write(System.Buffers.ArrayBufferWriter<byte> output, ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(output.GetSpan(bytes.Length));
        output.Advance(bytes.Length);
    }

    private static MessageRole ReadRole(ref Utf8JsonReader reader)
    {
        var role = MessageRole.User;
        while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
        {
            var isRole = reader.ValueTextEquals("role"u8);
            reader.Read();
            if (isRole)
            {
                role = reader.ValueTextEquals("assistant"u8) ? MessageRole.Assistant
                    : reader.ValueTextEquals("tool"u8) || reader.ValueTextEquals("function"u8) ? MessageRole.Tool
                    : reader.ValueTextEquals("system"u8) || reader.ValueTextEquals("developer"u8) ? MessageRole.System
                    : MessageRole.User;
            }

            reader.Skip();
        }

        return role;
    }

    private enum MessageRole
    {
        User,
        Assistant,
        Tool,
        System,
    }
}
