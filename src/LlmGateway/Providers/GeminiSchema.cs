using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Providers;

/// <summary>
/// Rewrites a JSON schema into the OpenAPI subset that models before 2.5 take, where any other member is a 400: <c>$ref</c> and <c>allOf</c>
/// are filled in, <c>oneOf</c> becomes <c>anyOf</c>, <c>const</c> an <c>enum</c> of one, null among the types <c>nullable</c>; what has no
/// place is told in the description.
/// </summary>
internal sealed class GeminiSchema
{
    /// <summary>Filling in references can double a schema at every step; one of this size is an attack or a mistake.</summary>
    private const int MaxNodes = 4096;

    private const int MaxDepth = 48;
    private const int MaxConstraintChars = 200;

    /// <summary>Copied as they are, if they are of the right kind.</summary>
    private static readonly (string Name, JsonValueKind Kind)[] Copied =
    [
        ("title", JsonValueKind.String), ("minItems", JsonValueKind.Number), ("maxItems", JsonValueKind.Number), ("minimum", JsonValueKind.Number),
        ("maximum", JsonValueKind.Number), ("minLength", JsonValueKind.Number), ("maxLength", JsonValueKind.Number), ("pattern", JsonValueKind.String),
        ("minProperties", JsonValueKind.Number), ("maxProperties", JsonValueKind.Number), ("propertyOrdering", JsonValueKind.Array),
    ];

    /// <summary>No constraints, or told in another way.</summary>
    private static readonly HashSet<string> Silent = new(StringComparer.Ordinal)
    {
        "type", "description", "nullable", "enum", "const", "items", "properties", "required", "anyOf", "oneOf", "allOf", "format",
        "$ref", "$defs", "definitions", "$schema", "$id", "$anchor", "$comment", "additionalProperties", "strict", "default", "example", "examples",
        "readOnly", "writeOnly", "deprecated",
    };

    private static readonly string[] Formats = ["enum", "date-time", "float", "double", "int32", "int64"];

    private readonly Utf8JsonWriter _writer;
    private readonly JsonElement _root;
    private readonly List<string> _openReferences = [];
    private int _nodes;

    private GeminiSchema(Utf8JsonWriter writer, JsonElement root)
    {
        _writer = writer;
        _root = root;
    }

    /// <summary>Writes the schema, which is an object, as one JSON value; false where it grows without bound.</summary>
    public static bool TryWrite(Utf8JsonWriter writer, JsonElement schema) => new GeminiSchema(writer, schema).TryWriteNode(schema, 0);

    private bool TryWriteNode(JsonElement node, int depth)
    {
        var open = _openReferences.Count;
        var layers = new List<JsonElement>();
        var notes = new StringBuilder();
        if (!TryCollect(node, layers, notes, depth))
        {
            return false;
        }

        var alternatives = Alternatives(layers, out var isNullable);
        if (alternatives.Count == 1)
        {
            // "X or null" is X, nullable.
            if (!TryCollect(alternatives[0], layers, notes, depth))
            {
                return false;
            }

            alternatives.Clear();
        }

        var types = Types(layers, ref isNullable);
        _writer.WriteStartObject();
        WriteType(layers, types, alternatives.Count > 0);
        if (isNullable)
        {
            _writer.WriteBoolean("nullable"u8, true);
        }

        WriteEnum(layers, notes);
        WriteCopies(layers);
        WriteDescription(layers, notes);
        var isFine = TryWriteItems(layers, types, depth) && TryWriteAlternatives(alternatives, types, depth) && TryWriteProperties(layers, depth);
        _writer.WriteEndObject();
        _openReferences.RemoveRange(open, _openReferences.Count - open);
        return isFine;
    }

    /// <summary>Gathers the node and all that it refers to or is made of; what stands nearer goes before what is referred to.</summary>
    private bool TryCollect(JsonElement node, List<JsonElement> layers, StringBuilder notes, int depth)
    {
        if (++_nodes > MaxNodes || depth > MaxDepth)
        {
            return false;
        }

        if (node.ValueKind != JsonValueKind.Object)
        {
            return true;
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

        return node.Find("allOf"u8) is not { ValueKind: JsonValueKind.Array } all
            || all.EnumerateArray().All(part => TryCollect(part, layers, notes, depth + 1));
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
            if (at.ValueKind != JsonValueKind.Object || !at.TryGetProperty(name, out at))
            {
                return null;
            }
        }

        return at;
    }

    /// <summary>What may stand here, null aside.</summary>
    private static List<JsonElement> Alternatives(List<JsonElement> layers, out bool isNullable)
    {
        var all = (First(layers, "anyOf") ?? First(layers, "oneOf")) is { ValueKind: JsonValueKind.Array } list ? list.EnumerateArray().ToList() : [];
        isNullable = all.RemoveAll(IsNull) > 0 || First(layers, "nullable") is { ValueKind: JsonValueKind.True };
        return all;
    }

    private static List<string> Types(List<JsonElement> layers, ref bool isNullable)
    {
        var types = First(layers, "type") switch
        {
            { ValueKind: JsonValueKind.String } one => [one.GetString()!],
            { ValueKind: JsonValueKind.Array } several => several.EnumerateArray().Where(type => type.ValueKind == JsonValueKind.String).Select(type => type.GetString()!).ToList(),
            _ => new List<string>(),
        };
        isNullable |= types.RemoveAll(type => type == "null") > 0;
        return types;
    }

    /// <summary>One type, or several as alternatives; a schema without any is refused, so it is guessed from what else stands there.</summary>
    private void WriteType(List<JsonElement> layers, List<string> types, bool hasAlternatives)
    {
        if (types.Count > 1 && !hasAlternatives)
        {
            return;
        }

        var type = types.Count > 0 ? types[0]
            : First(layers, "properties") is not null ? "object"
            : First(layers, "items") is not null ? "array"
            : hasAlternatives ? null
            : "string";
        if (type is not null)
        {
            _writer.WriteString("type"u8, type);
        }
    }

    /// <summary>Only texts can be enumerated; other values are told in words.</summary>
    private void WriteEnum(List<JsonElement> layers, StringBuilder notes)
    {
        List<JsonElement> values = First(layers, "enum") is { ValueKind: JsonValueKind.Array } list ? [.. list.EnumerateArray()]
            : First(layers, "const") is { } only ? [only]
            : [];
        values.RemoveAll(value => value.ValueKind == JsonValueKind.Null);
        if (values.Count == 0)
        {
            return;
        }

        if (values.Exists(value => value.ValueKind != JsonValueKind.String))
        {
            Note(notes, $"one of: {Shorten(string.Join(", ", values.Select(value => value.GetRawText())))}");
            return;
        }

        _writer.WriteStartArray("enum"u8);
        values.ForEach(WriteRaw);
        _writer.WriteEndArray();
    }

    private void WriteCopies(List<JsonElement> layers)
    {
        foreach (var (name, kind) in Copied)
        {
            if (First(layers, name) is { } value && value.ValueKind == kind)
            {
                _writer.WritePropertyName(name);
                WriteRaw(value);
            }
        }

        if (First(layers, "format") is { ValueKind: JsonValueKind.String } format && Formats.Contains(format.GetString()))
        {
            _writer.WriteString("format"u8, format.GetString());
        }
    }

    private void WriteDescription(List<JsonElement> layers, StringBuilder notes)
    {
        var told = new HashSet<string>(StringComparer.Ordinal);
        foreach (var member in layers.SelectMany(layer => layer.EnumerateObject()))
        {
            var isFormat = member.Name == "format" && member.Value.ValueKind == JsonValueKind.String && !Formats.Contains(member.Value.GetString());
            var isCopied = Array.Exists(Copied, copied => copied.Name == member.Name);
            if ((isFormat || (!Silent.Contains(member.Name) && !isCopied)) && told.Add(member.Name))
            {
                Note(notes, $"{member.Name}: {Shorten(member.Value.GetRawText())}");
            }
        }

        var description = First(layers, "description") is { ValueKind: JsonValueKind.String } text ? text.GetString() : null;
        if (!string.IsNullOrEmpty(description) || notes.Length > 0)
        {
            _writer.WriteString("description"u8, notes.Length == 0 ? description : $"{description} ({notes})".TrimStart());
        }
    }

    private bool TryWriteItems(List<JsonElement> layers, List<string> types, int depth)
    {
        if (First(layers, "items") is { ValueKind: JsonValueKind.Object } items)
        {
            _writer.WritePropertyName("items"u8);
            return TryWriteNode(items, depth + 1);
        }

        if (types is ["array"])
        {
            // A list of anything is refused: it must say of what.
            _writer.WriteStartObject("items"u8);
            _writer.WriteString("type"u8, "string"u8);
            _writer.WriteEndObject();
        }

        return true;
    }

    private bool TryWriteAlternatives(List<JsonElement> alternatives, List<string> types, int depth)
    {
        if (alternatives.Count > 0)
        {
            _writer.WriteStartArray("anyOf"u8);
            if (!alternatives.TrueForAll(alternative => TryWriteNode(alternative, depth + 1)))
            {
                return false;
            }

            _writer.WriteEndArray();
        }
        else if (types.Count > 1)
        {
            _writer.WriteStartArray("anyOf"u8);
            foreach (var type in types)
            {
                _writer.WriteStartObject();
                _writer.WriteString("type"u8, type);
                _writer.WriteEndObject();
            }

            _writer.WriteEndArray();
        }

        return true;
    }

    private bool TryWriteProperties(List<JsonElement> layers, int depth)
    {
        var written = new HashSet<string>(StringComparer.Ordinal);
        foreach (var property in layers
            .Select(layer => layer.Find("properties"u8))
            .Where(properties => properties is { ValueKind: JsonValueKind.Object })
            .SelectMany(properties => properties!.Value.EnumerateObject()))
        {
            if (written.Count == 0)
            {
                _writer.WriteStartObject("properties"u8);
            }

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

        if (written.Count == 0)
        {
            return true;
        }

        _writer.WriteEndObject();
        WriteRequired(layers, written);
        return true;
    }

    /// <summary>A required name that is no property is refused.</summary>
    private void WriteRequired(List<JsonElement> layers, HashSet<string> properties)
    {
        var names = layers
            .Select(layer => layer.Find("required"u8))
            .Where(required => required is { ValueKind: JsonValueKind.Array })
            .SelectMany(required => required!.Value.EnumerateArray())
            .Where(name => name.ValueKind == JsonValueKind.String)
            .Select(name => name.GetString()!)
            .Where(properties.Contains)
            .Distinct(StringComparer.Ordinal)
            .ToList();
        if (names.Count > 0)
        {
            _writer.WriteStartArray("required"u8);
            names.ForEach(_writer.WriteStringValue);
            _writer.WriteEndArray();
        }
    }

    private void WriteRaw(JsonElement value) => _writer.WriteRawValue(JsonMarshal.GetRawUtf8Value(value), skipInputValidation: true);

    private static bool IsNull(JsonElement schema) => schema.ValueKind == JsonValueKind.Object && schema.FindText("type"u8) == "null";

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

    private static string Shorten(string text) => text.Length <= MaxConstraintChars ? text : text[..MaxConstraintChars] + "…";

    private static void Note(StringBuilder notes, string note) => notes.Append(notes.Length > 0 ? "; " : "").Append(note);
}
