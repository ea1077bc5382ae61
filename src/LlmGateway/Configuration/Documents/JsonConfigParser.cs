using System.Text;
using System.Text.Json;

namespace LlmGateway.Configuration.Documents;

/// <summary>Reads JSON with comments and trailing commas into nodes that know their lines; duplicate members are an error.</summary>
internal static class JsonConfigParser
{
    private static readonly JsonReaderOptions Options = new()
    {
        CommentHandling = JsonCommentHandling.Skip,
        AllowTrailingCommas = true,
        MaxDepth = 64,
    };

    /// <summary>The root object; null where the text is no JSON object, which is reported.</summary>
    public static ConfigNode? Parse(ReadOnlySpan<byte> utf8, DocumentScope scope)
    {
        if (utf8.StartsWith("\uFEFF"u8))
        {
            utf8 = utf8[3..];
        }

        var lines = new LineCounter();
        try
        {
            var reader = new Utf8JsonReader(utf8, Options);
            reader.Read();
            var root = ReadValue(ref reader, utf8, lines, scope, "");
            reader.Read();
            if (root.Kind == ConfigNodeKind.Map)
            {
                return root;
            }

            scope.Report(root.Line, "", "the file must hold a JSON object", "Begin it with { and end it with }.");
        }
        catch (JsonException exception)
        {
            scope.Report((int)(exception.LineNumber ?? 0) + 1, "", $"is not valid JSON: {Shorten(exception.Message)}");
        }
        catch (InvalidOperationException)
        {
            // A lone surrogate (\ud800) passes the reader and fails here.
            scope.Report(lines.Current, "", "is not valid JSON: a string holds half of a surrogate pair");
        }

        return null;
    }

    private static ConfigNode ReadValue(ref Utf8JsonReader reader, ReadOnlySpan<byte> utf8, LineCounter lines, DocumentScope scope, string path)
    {
        var line = lines.At(utf8, (int)reader.TokenStartIndex);
        switch (reader.TokenType)
        {
            case JsonTokenType.StartObject:
                return ReadMap(ref reader, utf8, lines, scope, path);
            case JsonTokenType.StartArray:
                var list = new ConfigNode(ConfigNodeKind.List, line);
                while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
                {
                    list.Items.Add(ReadValue(ref reader, utf8, lines, scope, $"{path}[{list.Items.Count}]"));
                }

                return list;
            case JsonTokenType.String:
                return new ConfigNode(ConfigNodeKind.Text, line, reader.GetString()!);
            case JsonTokenType.Number:
                return new ConfigNode(ConfigNodeKind.Number, line, Encoding.UTF8.GetString(reader.ValueSpan));
            case JsonTokenType.True or JsonTokenType.False:
                return new ConfigNode(ConfigNodeKind.Flag, line, reader.GetBoolean() ? "true" : "false");
            default:
                return new ConfigNode(ConfigNodeKind.Null, line);
        }
    }

    private static ConfigNode ReadMap(ref Utf8JsonReader reader, ReadOnlySpan<byte> utf8, LineCounter lines, DocumentScope scope, string path)
    {
        var map = new ConfigNode(ConfigNodeKind.Map, lines.Current);
        var seen = new HashSet<string>(StringComparer.Ordinal);
        while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
        {
            var name = reader.GetString()!;
            var line = lines.At(utf8, (int)reader.TokenStartIndex);
            var memberPath = MemberReader.Join(path, name);
            if (!seen.Add(name))
            {
                scope.Report(line, memberPath, "stands there twice", "Keep one of the two.");
            }

            reader.Read();
            map.Members.Add(new(name, ReadValue(ref reader, utf8, lines, scope, memberPath)));
        }

        return map;
    }

    /// <summary>The reader's message without its own, zero-based position.</summary>
    private static string Shorten(string message)
    {
        var position = message.IndexOf(" LineNumber:", StringComparison.Ordinal);
        return (position < 0 ? message : message[..position]).TrimEnd('.', ' ');
    }

    /// <summary>Counts lines as far as asked; positions only grow.</summary>
    private sealed class LineCounter
    {
        private int _position;

        public int Current { get; private set; } = 1;

        public int At(ReadOnlySpan<byte> utf8, int position)
        {
            if (position > _position)
            {
                Current += utf8[_position..position].Count((byte)'\n');
                _position = position;
            }

            return Current;
        }
    }
}
