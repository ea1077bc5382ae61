using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Providers;

/// <summary>
/// Rewrites a tool's parameters so that nothing is lost at Ollama, whose typed reading keeps only <c>type</c>, <c>items</c>, <c>anyOf</c>,
/// <c>description</c>, <c>enum</c>, <c>properties</c> and <c>required</c> and drops the rest without a word: <c>$ref</c> and <c>allOf</c> are
/// filled in, <c>oneOf</c> becomes <c>anyOf</c>, <c>const</c> an <c>enum</c> of one, and any other constraint is told in the description.
/// </summary>
internal sealed class OllamaToolSchema
{
    /// <summary>Filling in references can double a schema at every step; one of this size is an attack or a mistake.</summary>
    private const int MaxNodes = 4096;

    private const int MaxDepth = 48;
    private const int MaxConstraintChars = 200;

    private static readonly HashSet<string> NotConstraints = new(StringComparer.Ordinal)
    {
        "type", "items", "anyOf", "oneOf", "allOf", "description", "enum", "const", "properties", "required",
        "$ref", "$defs", "definitions", "$schema", "$id", "$anchor", "$comment", "title",
    };

    private readonly Utf8JsonWriter _writer;
    private readonly JsonElement _root;
    private readonly List<string> _openReferences = [];
    private int _nodes;

    private OllamaToolSchema(Utf8JsonWriter writer, JsonElement root)
    {
        _writer = writer;
        _root = root;
    }

    /// <summary>Writes the schema as one JSON value; no schema means no parameters. False where it is no object, or grows without bound.</summary>
    public static bool TryWrite(Utf8JsonWriter writer, JsonElement? schema)
    {
        if (schema is null)
        {
            writer.WriteStartObject();
            writer.WriteString("type"u8, "object"u8);
            writer.WriteStartObject("properties"u8);
            writer.WriteEndObject();
            writer.WriteEndObject();
            return true;
        }

        return schema.Value.ValueKind == JsonValueKind.Object && new OllamaToolSchema(writer, schema.Value).TryWriteNode(schema.Value, depth: 0);
    }

    private bool TryWriteNode(JsonElement node, int depth)
    {
        if (++_nodes > MaxNodes || depth > MaxDepth)
        {
            return false;
        }

        _writer.WriteStartObject();
        var isFine = true;
        if (node.ValueKind == JsonValueKind.Object)
        {
            var open = _openReferences.Count;
            var layers = new List<JsonElement>();
            var notes = new StringBuilder();
            isFine = TryCollect(node, layers, notes, depth);
            if (isFine)
            {
                WriteType(layers, isRoot: depth == 0);
                WriteEnum(layers);
                WriteDescription(layers, notes);
                isFine = TryWriteItems(layers, depth) && TryWriteAlternatives(layers, depth) && TryWriteProperties(layers, depth);
            }

            WriteRequired(layers);
            _openReferences.RemoveRange(open, _openReferences.Count - open);
        }

        _writer.WriteEndObject();
        return isFine;
    }

    /// <summary>Gathers the node and all that it refers to or is made of; what stands nearer goes before what is referred to.</summary>
    private bool TryCollect(JsonElement node, List<JsonElement> layers, StringBuilder notes, int depth)
    {
        if (node.ValueKind != JsonValueKind.Object)
        {
            return true;
        }

        if (++_nodes > MaxNodes || depth > MaxDepth)
        {
            return false;
        }

        layers.Add(node);
        if (node.FindText("$ref"u8) is { } reference)
        {
            if (_openReferences.Contains(reference) || reference == "#")
            {
                Note(notes, $"recursive: same form as {reference}");
            }
            else if (Resolve(reference) is { } target)
            {
                _openReferences.Add(reference);
                if (!TryCollect(target, layers, notes, depth + 1))
                {
                    return false;
                }
            }
        }

        if (node.Find("allOf"u8) is { ValueKind: JsonValueKind.Array } all)
        {
            foreach (var part in all.EnumerateArray())
            {
                if (!TryCollect(part, layers, notes, depth + 1))
                {
                    return false;
                }
            }
        }

        return true;
    }

    /// <summary>Follows a JSON pointer (RFC 6901) within the schema.</summary>
    private JsonElement? Resolve(string reference)
    {
        if (!reference.StartsWith("#/", StringComparison.Ordinal))
        {
            return null;
        }

        var at = _root;
        foreach (var step in reference[2..].Split('/'))
        {
            var name = Uri.UnescapeDataString(step).Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal);
            if (at.ValueKind == JsonValueKind.Object && at.TryGetProperty(name, out var next))
            {
                at = next;
            }
            else if (at.ValueKind == JsonValueKind.Array && int.TryParse(name, out var index) && index >= 0 && index < at.GetArrayLength())
            {
                at = at[index];
            }
            else
            {
                return null;
            }
        }

        return at;
    }

    private void WriteType(List<JsonElement> layers, bool isRoot)
    {
        if (First(layers, "type") is { ValueKind: JsonValueKind.String or JsonValueKind.Array } type)
        {
            _writer.WritePropertyName("type"u8);
            WriteRaw(type);
        }
        else if (isRoot)
        {
            _writer.WriteString("type"u8, "object"u8);
        }
    }

    private void WriteEnum(List<JsonElement> layers)
    {
        if (First(layers, "enum") is { ValueKind: JsonValueKind.Array } values)
        {
            _writer.WritePropertyName("enum"u8);
            WriteRaw(values);
        }
        else if (First(layers, "const") is { } value)
        {
            _writer.WriteStartArray("enum"u8);
            WriteRaw(value);
            _writer.WriteEndArray();
        }
    }

    private void WriteDescription(List<JsonElement> layers, StringBuilder notes)
    {
        var told = new HashSet<string>(StringComparer.Ordinal);
        foreach (var layer in layers)
        {
            foreach (var member in layer.EnumerateObject())
            {
                if (!NotConstraints.Contains(member.Name) && told.Add(member.Name))
                {
                    var value = member.Value.GetRawText();
                    Note(notes, $"{member.Name}: {(value.Length <= MaxConstraintChars ? value : value[..MaxConstraintChars] + "…")}");
                }
            }
        }

        var description = First(layers, "description") is { ValueKind: JsonValueKind.String } text ? text.GetString() : null;
        if (!string.IsNullOrEmpty(description) || notes.Length > 0)
        {
            _writer.WriteString("description"u8, notes.Length == 0 ? description : $"{description} ({notes})".TrimStart());
        }
    }

    private bool TryWriteItems(List<JsonElement> layers, int depth)
    {
        if (First(layers, "items") is not { } items)
        {
            return true;
        }

        _writer.WritePropertyName("items"u8);
        return items.ValueKind == JsonValueKind.Array ? TryWriteArray(items, depth) : TryWriteNode(items, depth + 1);
    }

    private bool TryWriteAlternatives(List<JsonElement> layers, int depth)
    {
        if ((First(layers, "anyOf") ?? First(layers, "oneOf")) is not { ValueKind: JsonValueKind.Array } alternatives)
        {
            return true;
        }

        _writer.WritePropertyName("anyOf"u8);
        return TryWriteArray(alternatives, depth);
    }

    private bool TryWriteArray(JsonElement nodes, int depth)
    {
        _writer.WriteStartArray();
        foreach (var node in nodes.EnumerateArray())
        {
            if (!TryWriteNode(node, depth + 1))
            {
                return false;
            }
        }

        _writer.WriteEndArray();
        return true;
    }

    private bool TryWriteProperties(List<JsonElement> layers, int depth)
    {
        var written = new HashSet<string>(StringComparer.Ordinal);
        var isOpen = false;
        foreach (var layer in layers)
        {
            if (layer.Find("properties"u8) is not { ValueKind: JsonValueKind.Object } properties)
            {
                continue;
            }

            if (!isOpen)
            {
                isOpen = true;
                _writer.WriteStartObject("properties"u8);
            }

            foreach (var property in properties.EnumerateObject())
            {
                if (!written.Add(property.Name))
                {
                    continue;
                }

                _writer.WritePropertyName(property.Name);
                if (!TryWriteNode(property.Value, depth + 1))
                {
                    return false;
                }
            }
        }

        if (!isOpen && depth == 0)
        {
            _writer.WriteStartObject("properties"u8);
            isOpen = true;
        }

        if (isOpen)
        {
            _writer.WriteEndObject();
        }

        return true;
    }

    private void WriteRequired(List<JsonElement> layers)
    {
        var names = layers
            .Select(layer => layer.Find("required"u8))
            .Where(required => required is { ValueKind: JsonValueKind.Array })
            .SelectMany(required => required!.Value.EnumerateArray())
            .Where(name => name.ValueKind == JsonValueKind.String)
            .Select(name => name.GetString()!)
            .Distinct(StringComparer.Ordinal)
            .ToList();
        if (names.Count == 0)
        {
            return;
        }

        _writer.WriteStartArray("required"u8);
        names.ForEach(_writer.WriteStringValue);
        _writer.WriteEndArray();
    }

    private void WriteRaw(JsonElement value) => _writer.WriteRawValue(JsonMarshal.GetRawUtf8Value(value), skipInputValidation: true);

    private static JsonElement? First(List<JsonElement> layers, string name)
    {
        foreach (var layer in layers)
        {
            if (layer.TryGetProperty(name, out var value))
            {
                return value;
            }
        }

        return null;
    }

    private static void Note(StringBuilder notes, string note) => notes.Append(notes.Length > 0 ? "; " : "").Append(note);
}
