using System.Text.Json;
using LlmGateway.Model;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Providers;

/// <summary>
/// Writes <c>contents</c> and <c>systemInstruction</c>. Gemini knows the turns of <c>user</c> and <c>model</c> only, wants them to alternate
/// and none to be empty, and all results of one step's calls in the one user turn that follows.
/// </summary>
internal sealed class GeminiContentsWriter(Utf8JsonWriter writer, GeminiCallMemory memory, GeminiModel model)
{
    private const string User = "user";
    private const string Model = "model";

    private readonly GeminiPartWriter _parts = new(writer);
    private readonly GeminiCallWriter _calls = new(writer, memory, model);
    private readonly List<string> _system = [];
    private string? _role;

    public ProviderCall? Write(JsonElement root, string? systemPrompt)
    {
        if (root.Find("messages"u8) is not { ValueKind: JsonValueKind.Array } messages || messages.GetArrayLength() == 0)
        {
            return Invalid("messages", "It must be an array with at least one message.");
        }

        if (!string.IsNullOrEmpty(systemPrompt))
        {
            _system.Add(systemPrompt);
        }

        writer.WriteStartArray("contents"u8);
        var index = 0;
        foreach (var message in messages.EnumerateArray())
        {
            if (WriteMessage(message, $"messages[{index++}]") is { } problem)
            {
                return problem;
            }
        }

        if (CloseStep() is { } unfinished)
        {
            return unfinished;
        }

        WriteSystem();
        return null;
    }

    private ProviderCall? WriteMessage(JsonElement message, string path)
    {
        if (message.ValueKind != JsonValueKind.Object)
        {
            return Invalid(path, "A message must be an object.");
        }

        return message.FindText("role"u8) switch
        {
            "developer" or "system" => GeminiTexts.Read(message, path, _system),
            "user" => CloseStep() ?? _parts.Write(message, path, beforeFirst: () => Enter(User)),
            "assistant" => CloseStep() ?? WriteAssistant(message, path),
            "tool" or "function" => _calls.TakeResult(message, path),
            _ => Invalid($"{path}.role", "It must be developer, system, user, assistant, tool or function."),
        };
    }

    private ProviderCall? WriteAssistant(JsonElement message, string path)
    {
        var texts = new List<string>();
        if (GeminiTexts.Read(message, path, texts) is { } problem)
        {
            return problem;
        }

        var textSignature = _calls.FindTextSignature(message);
        for (var i = 0; i < texts.Count; i++)
        {
            Enter(Model);
            writer.WriteStartObject();
            writer.WriteString("text"u8, texts[i]);
            if (i == texts.Count - 1 && textSignature is not null)
            {
                writer.WriteString("thoughtSignature"u8, textSignature);
            }

            writer.WriteEndObject();
        }

        return _calls.WriteCalls(message, path, beforeFirst: () => Enter(Model));
    }

    private ProviderCall? CloseStep() => _calls.CloseStep(beforeFirst: () => Enter(User));

    /// <summary>Goes on in the turn of <paramref name="role"/>: consecutive messages of one side are one turn.</summary>
    private void Enter(string role)
    {
        if (_role == role)
        {
            return;
        }

        if (_role is null && role == Model)
        {
            // A conversation starts with the user; a call of a function in the very first turn is refused.
            Open(User);
            WriteText(" ");
        }

        Open(role);
    }

    private void Open(string role)
    {
        Close();
        _role = role;
        writer.WriteStartObject();
        writer.WriteString("role"u8, role);
        writer.WriteStartArray("parts"u8);
    }

    private void Close()
    {
        if (_role is not null)
        {
            writer.WriteEndArray();
            writer.WriteEndObject();
        }
    }

    private void WriteText(string text)
    {
        writer.WriteStartObject();
        writer.WriteString("text"u8, text);
        writer.WriteEndObject();
    }

    /// <summary>All system messages, wherever they stood; alone they are what the user says, since there must be a turn.</summary>
    private void WriteSystem()
    {
        var isAlone = _role is null;
        if (isAlone)
        {
            Open(User);
            (_system.Count > 0 ? _system : [" "]).ForEach(WriteText);
        }

        Close();
        writer.WriteEndArray();
        if (isAlone || _system.Count == 0)
        {
            return;
        }

        writer.WriteStartObject("systemInstruction"u8);
        writer.WriteStartArray("parts"u8);
        _system.ForEach(WriteText);
        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    private static ProviderCall Invalid(string param, string message) => ProviderCall.Refuse(GatewayError.InvalidMember(param, message));
}
