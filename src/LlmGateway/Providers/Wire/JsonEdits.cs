using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;

namespace LlmGateway.Providers.Wire;

/// <summary>A few edits of one JSON text: it is read once, and every byte that no edit names is copied as it came.</summary>
internal sealed class JsonEdits : IDisposable
{
    private readonly ReadOnlyMemory<byte> _json;
    private readonly JsonDocument _document;
    private readonly BodySplicer _splices = new();

    private JsonEdits(ReadOnlyMemory<byte> json, JsonDocument document)
    {
        _json = json;
        _document = document;
    }

    public JsonElement Root => _document.RootElement;

    /// <summary>Null where the text is no sound JSON object: whoever reads it next will say so.</summary>
    public static JsonEdits? TryParse(ReadOnlyMemory<byte> json)
    {
        try
        {
            var document = JsonDocument.Parse(json, OpenAiJson.Reading);
            if (document.RootElement.ValueKind == JsonValueKind.Object)
            {
                return new JsonEdits(json, document);
            }

            document.Dispose();
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // Nothing to edit.
        }

        return null;
    }

    /// <summary>Elements of an array that are objects; none where it is no array.</summary>
    public static IEnumerable<JsonElement> Objects(JsonElement? array) =>
        array is { ValueKind: JsonValueKind.Array } list ? list.EnumerateArray().Where(item => item.ValueKind == JsonValueKind.Object) : [];

    public void Replace(JsonElement value, string json)
    {
        var raw = JsonMarshal.GetRawUtf8Value(value);
        _splices.Replace(new(OffsetOf(raw), raw.Length), Encoding.UTF8.GetBytes(json));
    }

    public void Rename(JsonElement parent, string name, string newName)
    {
        foreach (var member in parent.EnumerateObject().Where(member => member.NameEquals(name)))
        {
            var raw = JsonMarshal.GetRawUtf8PropertyName(member);
            _splices.Replace(new(OffsetOf(raw), raw.Length), Encoding.UTF8.GetBytes(newName));
        }
    }

    /// <summary>Puts a member in front of all others.</summary>
    public void Add(JsonElement parent, string name, ReadOnlySpan<byte> json)
    {
        var comma = parent.EnumerateObject().Any() ? ","u8 : ""u8;
        _splices.Insert(OffsetOf(JsonMarshal.GetRawUtf8Value(parent)) + 1, [(byte)'"', .. Encoding.UTF8.GetBytes(name), (byte)'"', (byte)':', .. json, .. comma]);
    }

    /// <summary>Puts items in front of all others of an array, or members of an object; commas between them are the caller's.</summary>
    public void Prepend(JsonElement parent, string json)
    {
        var isEmpty = parent.ValueKind == JsonValueKind.Array ? parent.GetArrayLength() == 0 : parent.GetPropertyCount() == 0;
        _splices.Insert(OffsetOf(JsonMarshal.GetRawUtf8Value(parent)) + 1, Encoding.UTF8.GetBytes(isEmpty ? json : json + ","));
    }

    /// <summary>Puts items behind all others of an array; commas between them are the caller's.</summary>
    public void Append(JsonElement array, ReadOnlySpan<byte> json)
    {
        var raw = JsonMarshal.GetRawUtf8Value(array);
        var comma = array.GetArrayLength() == 0 ? ""u8 : ","u8;
        _splices.Insert(OffsetOf(raw) + raw.Length - 1, [.. comma, .. json]);
    }

    /// <summary>Takes members out; once for each object, with all names that go.</summary>
    public void Remove(JsonElement parent, params ReadOnlySpan<string> names)
    {
        // A run of members that go ends where the next one stays, else it starts behind the last that stayed: the commas come out right.
        var kept = OffsetOf(JsonMarshal.GetRawUtf8Value(parent)) + 1;
        var (runStart, runEnd) = (-1, -1);
        foreach (var member in parent.EnumerateObject())
        {
            var start = OffsetOf(JsonMarshal.GetRawUtf8PropertyName(member)) - 1;
            var value = JsonMarshal.GetRawUtf8Value(member.Value);
            var end = OffsetOf(value) + value.Length;
            if (names.Contains(member.Name))
            {
                runStart = runStart < 0 ? start : runStart;
                runEnd = end;
                continue;
            }

            if (runStart >= 0)
            {
                _splices.Replace(new(runStart, start - runStart), []);
                runStart = -1;
            }

            kept = end;
        }

        if (runStart >= 0)
        {
            _splices.Replace(new(kept, runEnd - kept), []);
        }
    }

    /// <summary>The text with its edits; the same bytes where there were none.</summary>
    public SplicedBody Apply() => _splices.Apply(_json);

    public void Dispose() => _document.Dispose();

    private int OffsetOf(ReadOnlySpan<byte> part) => _json.Span.Overlaps(part, out var offset) ? offset : throw new InvalidOperationException("The part is none of this text.");
}
