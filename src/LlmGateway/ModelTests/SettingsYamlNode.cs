using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace LlmGateway.ModelTests;

/// <summary>A value of a YAML text with the place where it stands, so that the text can be changed there and nowhere else.</summary>
internal sealed class SettingsYamlNode
{
    private readonly NodeEvent? _event;

    private SettingsYamlNode(NodeEvent? source, int start, int end) => (_event, Start, End) = (source, start, end);

    /// <summary>Offset of its first character.</summary>
    public int Start { get; }

    /// <summary>Offset behind its last character; of what is told by indentation, behind its last value.</summary>
    public int End { get; private set; }

    /// <summary>A mapping's members in order.</summary>
    public List<(SettingsYamlNode Key, SettingsYamlNode Value)> Members { get; } = [];

    /// <summary>A sequence's items in order.</summary>
    public List<SettingsYamlNode> Items { get; } = [];

    public bool IsMap => _event is MappingStart;

    public bool IsList => _event is SequenceStart;

    public bool IsScalar => _event is Scalar;

    /// <summary>Whether it stands in brackets.</summary>
    public bool IsFlow => _event is MappingStart { Style: MappingStyle.Flow } or SequenceStart { Style: SequenceStyle.Flow };

    public bool IsPlain => _event is Scalar { Style: ScalarStyle.Plain };

    public bool IsNull => _event is Scalar { Style: ScalarStyle.Plain, Value: "" or "~" or "null" or "Null" or "NULL" };

    public string Text => (_event as Scalar)?.Value ?? "";

    /// <summary>The document's value; null where the text holds none.</summary>
    /// <exception cref="YamlException">The text is not YAML.</exception>
    public static SettingsYamlNode? Parse(string text)
    {
        var parser = new Parser(new StringReader(text));
        parser.Consume<StreamStart>();
        if (parser.Accept<StreamEnd>(out _))
        {
            return null;
        }

        parser.Consume<DocumentStart>();
        return Read(parser);
    }

    private static SettingsYamlNode Read(Parser parser)
    {
        var (start, end) = ((int)parser.Current!.Start.Index, (int)parser.Current.End.Index);
        if (parser.TryConsume<AnchorAlias>(out _))
        {
            return new SettingsYamlNode(null, start, end);
        }

        var node = new SettingsYamlNode((NodeEvent)parser.Current, start, end);
        if (parser.TryConsume<MappingStart>(out _))
        {
            while (!parser.Accept<MappingEnd>(out _))
            {
                var key = Read(parser);
                node.Members.Add((key, Read(parser)));
                node.End = Math.Max(key.End, node.Members[^1].Value.End);
            }

            node.Close(parser.Consume<MappingEnd>());
        }
        else if (parser.TryConsume<SequenceStart>(out _))
        {
            while (!parser.Accept<SequenceEnd>(out _))
            {
                node.Items.Add(Read(parser));
                node.End = node.Items[^1].End;
            }

            node.Close(parser.Consume<SequenceEnd>());
        }
        else
        {
            parser.Consume<Scalar>();
        }

        return node;
    }

    private void Close(ParsingEvent end)
    {
        if (IsFlow)
        {
            // Behind the bracket, which the parser's own end mark is not.
            End = (int)end.Start.Index + 1;
        }
    }
}
