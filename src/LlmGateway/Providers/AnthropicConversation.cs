using System.Text.Json;

namespace LlmGateway.Providers;

/// <summary>
/// A conversation as Anthropic wants it: turns that alternate, no empty block, every tool use answered once at the head of the next turn.
/// What a trimmed history lacks is repaired: an unanswered call gets a result that says so, a result without its call is dropped.
/// </summary>
internal sealed class AnthropicConversation
{
    private readonly List<AnthropicTurn> _turns = [];
    private readonly List<OpenCall> _calls = [];
    private readonly HashSet<string> _toolIds = new(StringComparer.Ordinal);

    public List<AnthropicBlock> System { get; } = [];

    public bool IsEmpty => _turns.Count == 0;

    /// <summary>Whether the model is to go on with its own last words.</summary>
    public bool IsPrefilled => _turns.Count > 0 && !_turns[^1].IsUser;

    /// <summary>Whether a tool call of the loop that is going on has lost its thinking: the provider would refuse to think on.</summary>
    public bool LacksThinking
    {
        get
        {
            for (var i = _turns.Count - 1; i >= 0 && (!_turns[i].IsUser || _turns[i].Results.Count > 0); i--)
            {
                if (_turns[i].LacksThinking)
                {
                    return true;
                }
            }

            return false;
        }
    }

    public void Add(bool isUser, AnthropicBlock block) => Turn(isUser).Blocks.Add(block);

    /// <param name="clientId">The id as the client knows it.</param>
    /// <param name="name">The tool's name.</param>
    /// <param name="input">The arguments, an object's JSON.</param>
    /// <param name="cacheControl">The client's own cache breakpoint.</param>
    public void AddToolUse(string clientId, string name, string input, JsonElement? cacheControl)
    {
        var turn = Turn(isUser: false);
        var id = Unique(AnthropicToolId.Of(clientId));
        _calls.Add(new OpenCall(clientId, id));
        turn.Blocks.Add(new AnthropicBlock(AnthropicBlockKind.ToolUse, writer =>
        {
            writer.WriteString("type"u8, "tool_use"u8);
            writer.WriteString("id"u8, id);
            writer.WriteString("name"u8, name);
            writer.WritePropertyName("input"u8);
            writer.WriteRawValue(input, skipInputValidation: true);
        })
        { CacheControl = cacheControl });
    }

    /// <summary>Notes that nobody remembers what the model thought before the turn's tool call.</summary>
    public void NoteLostThinking() => Turn(isUser: false).LacksThinking = true;

    public void AddToolResult(string clientId, Action<Utf8JsonWriter> writeContent, JsonElement? cacheControl)
    {
        var index = _calls.FindIndex(call => call.ClientId == clientId);
        if (index < 0)
        {
            return;
        }

        var id = _calls[index].Id;
        _calls.RemoveAt(index);
        Turn(isUser: true).Results.Add(Result(id, writeContent) with { CacheControl = cacheControl });
    }

    /// <summary>All messages are in: settles what is still open.</summary>
    public void End()
    {
        AnswerOpenCalls();
        if (IsEmpty && System.Count > 0)
        {
            // A prompt of system messages alone: the provider wants to hear something from the user.
            Turn(isUser: true).Blocks.AddRange(System);
            System.Clear();
        }

        TrimPrefill();
    }

    public void WriteSystem(Utf8JsonWriter writer, string? before, string? after)
    {
        AnthropicBlock[] blocks = [.. Text(before), .. System, .. Text(after)];
        if (blocks.Length > 0)
        {
            writer.WriteStartArray("system"u8);
            foreach (var block in blocks)
            {
                block.Write(writer);
            }

            writer.WriteEndArray();
        }
    }

    public void WriteMessages(Utf8JsonWriter writer, bool withThinking)
    {
        writer.WriteStartArray("messages"u8);
        if (!_turns[0].IsUser)
        {
            // The first word has to be the user's; a greeting that the client put first stays the assistant's.
            var start = new AnthropicTurn(isUser: true);
            start.Blocks.Add(AnthropicBlock.OfText("(The conversation starts here.)"));
            Write(writer, start, withThinking);
        }

        foreach (var turn in _turns)
        {
            Write(writer, turn, withThinking);
        }

        writer.WriteEndArray();
    }

    private static void Write(Utf8JsonWriter writer, AnthropicTurn turn, bool withThinking)
    {
        writer.WriteStartObject();
        writer.WriteString("role"u8, turn.IsUser ? "user"u8 : "assistant"u8);
        writer.WriteStartArray("content"u8);
        turn.Results.ForEach(block => block.Write(writer));
        foreach (var block in turn.Blocks)
        {
            if (withThinking || block.Kind != AnthropicBlockKind.Thinking)
            {
                block.Write(writer);
            }
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    private AnthropicTurn Turn(bool isUser)
    {
        if (_turns.Count > 0 && _turns[^1].IsUser == isUser)
        {
            return _turns[^1];
        }

        if (!isUser)
        {
            AnswerOpenCalls();
        }

        var turn = new AnthropicTurn(isUser);
        _turns.Add(turn);
        return turn;
    }

    private void AnswerOpenCalls()
    {
        foreach (var call in _calls)
        {
            Turn(isUser: true).Results.Add(Result(call.Id, static writer =>
            {
                writer.WriteString("content"u8, "There is no result for this call."u8);
                writer.WriteBoolean("is_error"u8, true);
            }));
        }

        _calls.Clear();
    }

    /// <summary>Whitespace at the end of a prefill is refused.</summary>
    private void TrimPrefill()
    {
        if (IsPrefilled && _turns[^1].Blocks is [.., { Text: { } text } last] blocks)
        {
            blocks[^1] = AnthropicBlock.OfText(text.TrimEnd()) with { CacheControl = last.CacheControl };
        }
    }

    /// <summary>Some providers number their calls anew in every turn; here an id may stand once in a conversation.</summary>
    private string Unique(string id)
    {
        var unique = id;
        for (var count = 2; !_toolIds.Add(unique); count++)
        {
            unique = $"{id}-{count}";
        }

        return unique;
    }

    private static IEnumerable<AnthropicBlock> Text(string? text) => string.IsNullOrWhiteSpace(text) ? [] : [AnthropicBlock.OfText(text)];

    private static AnthropicBlock Result(string id, Action<Utf8JsonWriter> writeContent) => new(AnthropicBlockKind.ToolResult, writer =>
    {
        writer.WriteString("type"u8, "tool_result"u8);
        writer.WriteString("tool_use_id"u8, id);
        writeContent(writer);
    });

    private readonly record struct OpenCall(string ClientId, string Id);
}
