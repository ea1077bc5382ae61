using System.Buffers;
using System.Text.Json;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Tools;

/// <summary>The gateway tools of one request by name, in the profile's order. Of two with one name the first stays.</summary>
internal sealed class ToolSet
{
    private readonly Dictionary<string, ITool> _byName = new(StringComparer.Ordinal);

    public ToolSet(IEnumerable<ITool> tools)
    {
        foreach (var tool in tools)
        {
            _byName.TryAdd(tool.Name, tool);
        }
    }

    public static ToolSet Empty { get; } = new([]);

    public int Count => _byName.Count;

    public IReadOnlyCollection<string> Names => _byName.Keys;

    public ITool? Find(string name) => _byName.GetValueOrDefault(name);

    /// <summary>Without the tools whose names the client has given to its own.</summary>
    public ToolSet Without(IReadOnlySet<string> names) => names.Overlaps(_byName.Keys) ? new(_byName.Values.Where(tool => !names.Contains(tool.Name))) : this;

    /// <summary>The definitions as OpenAI's <c>tools</c> has them, joined with commas.</summary>
    public byte[] WriteDefinitions()
    {
        var output = new ArrayBufferWriter<byte>(1024);
        using var writer = new Utf8JsonWriter(output, OpenAiJson.Writing);
        writer.WriteStartArray();
        foreach (var tool in _byName.Values)
        {
            writer.WriteStartObject();
            writer.WriteString("type"u8, "function"u8);
            writer.WriteStartObject("function"u8);
            writer.WriteString("name"u8, tool.Name);
            writer.WriteString("description"u8, tool.Description);
            writer.WritePropertyName("parameters"u8);
            writer.WriteRawValue(tool.Parameters.Span);
            writer.WriteEndObject();
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.Flush();
        return output.WrittenSpan[1..^1].ToArray();
    }
}
