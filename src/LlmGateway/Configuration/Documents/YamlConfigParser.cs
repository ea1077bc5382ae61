using System.Text.RegularExpressions;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace LlmGateway.Configuration.Documents;

/// <summary>
/// Reads one YAML document into nodes that know their lines. No tags, few aliases; variables are filled in
/// after parsing, so that no value can bring structure of its own.
/// </summary>
internal sealed partial class YamlConfigParser
{
    private const int MaxDepth = 64;
    private const int MaxAliases = 100;
    private const int MaxAliasedNodes = 10_000;

    private readonly DocumentScope _scope;
    private readonly VariableSubstitution _substitution;
    private readonly Dictionary<string, ConfigNode> _anchors = new(StringComparer.Ordinal);
    private int _aliases;
    private int _aliasedNodes;

    private YamlConfigParser(DocumentScope scope, VariableSubstitution substitution)
    {
        _scope = scope;
        _substitution = substitution;
    }

    /// <summary>The root mapping (empty for a file of comments alone); null where the text is no such YAML, which is reported.</summary>
    public static ConfigNode? Parse(string text, VariableSubstitution substitution, DocumentScope scope)
    {
        try
        {
            return new YamlConfigParser(scope, substitution).ReadDocument(new Parser(new StringReader(text)));
        }
        catch (YamlException exception)
        {
            scope.Report((int)exception.Start.Line, "", $"is not valid YAML: {exception.Message.TrimEnd('.', ' ')}");
            return null;
        }
        catch (Exception exception) when (exception is ArgumentException or InvalidOperationException or FormatException)
        {
            scope.Report(null, "", "is not valid YAML");
            return null;
        }
    }

    private ConfigNode? ReadDocument(Parser parser)
    {
        parser.Consume<StreamStart>();
        if (parser.Accept<StreamEnd>(out _))
        {
            return new ConfigNode(ConfigNodeKind.Map, 1);
        }

        parser.Consume<DocumentStart>();
        var root = ReadNode(parser, "", 0);
        parser.Consume<DocumentEnd>();
        if (parser.Current is DocumentStart second)
        {
            _scope.Report((int)second.Start.Line, "", "the file holds a second document", "Keep one document, without ---.");
            return null;
        }

        switch (root.Kind)
        {
            case ConfigNodeKind.Map:
                return root;
            case ConfigNodeKind.Null:
                return new ConfigNode(ConfigNodeKind.Map, root.Line);
            default:
                _scope.Report(root.Line, "", "the file must hold a mapping (name: value)");
                return null;
        }
    }

    private ConfigNode ReadNode(Parser parser, string path, int depth)
    {
        var at = parser.Current!.Start;
        if (depth > MaxDepth)
        {
            throw new SemanticErrorException(at, at, "The nesting is deeper than 64 levels.");
        }

        if (parser.TryConsume<AnchorAlias>(out var alias))
        {
            return Repeat(alias);
        }

        if (parser.Current is NodeEvent { Tag.IsEmpty: false })
        {
            throw new SemanticErrorException(at, at, "Tags (!…) are not allowed.");
        }

        var anchor = ((NodeEvent)parser.Current).Anchor;
        var node = parser.Current switch
        {
            MappingStart => ReadMap(parser, path, depth),
            SequenceStart => ReadList(parser, path, depth),
            _ => ReadScalar(parser.Consume<Scalar>(), path),
        };
        if (!anchor.IsEmpty)
        {
            _anchors[anchor.Value] = node;
        }

        return node;
    }

    /// <summary>An anchored value again. What all aliases stand for together is bounded, or a small file could grow without end.</summary>
    private ConfigNode Repeat(AnchorAlias alias)
    {
        if (!_anchors.TryGetValue(alias.Value.Value, out var node))
        {
            throw new SemanticErrorException(alias.Start, alias.End, "An alias names no anchor before it.");
        }

        _aliasedNodes += node.Size;
        if (++_aliases > MaxAliases || _aliasedNodes > MaxAliasedNodes)
        {
            throw new SemanticErrorException(alias.Start, alias.End, "There are too many aliases.");
        }

        return node;
    }

    private ConfigNode ReadList(Parser parser, string path, int depth)
    {
        var list = new ConfigNode(ConfigNodeKind.List, (int)parser.Consume<SequenceStart>().Start.Line);
        while (!parser.TryConsume<SequenceEnd>(out _))
        {
            var item = ReadNode(parser, $"{path}[{list.Items.Count}]", depth + 1);
            list.Items.Add(item);
            list.Size += item.Size;
        }

        return list;
    }

    private ConfigNode ReadMap(Parser parser, string path, int depth)
    {
        var map = new ConfigNode(ConfigNodeKind.Map, (int)parser.Consume<MappingStart>().Start.Line);
        var seen = new HashSet<string>(StringComparer.Ordinal);
        while (!parser.TryConsume<MappingEnd>(out _))
        {
            if (!parser.TryConsume<Scalar>(out var key))
            {
                var at = parser.Current!.Start;
                throw new SemanticErrorException(at, at, "A member's name must be plain text.");
            }

            var memberPath = MemberReader.Join(path, key.Value);
            var isFirst = seen.Add(key.Value);
            if (!isFirst)
            {
                _scope.Report((int)key.Start.Line, memberPath, "stands there twice", "Keep one of the two.");
            }

            var value = ReadNode(parser, memberPath, depth + 1);
            if (isFirst)
            {
                map.Members.Add(new(key.Value, value));
            }

            map.Size += value.Size + 1;
        }

        return map;
    }

    private ConfigNode ReadScalar(Scalar scalar, string path)
    {
        var line = (int)scalar.Start.Line;
        var isPlain = scalar.Style == ScalarStyle.Plain;
        if (!scalar.Value.Contains("${", StringComparison.Ordinal))
        {
            var kind = isPlain ? KindOf(scalar.Value) : ConfigNodeKind.Text;
            return new ConfigNode(kind, line, kind == ConfigNodeKind.Flag ? scalar.Value.ToLowerInvariant() : scalar.Value) { IsLoose = isPlain };
        }

        if (_substitution.Apply(scalar.Value) is not { } filled)
        {
            _scope.Report(line, path, "holds a malformed ${…}", "Write ${NAME} or ${NAME:-default}; $${ stands for a plain ${.");
            return new ConfigNode(ConfigNodeKind.Null, line);
        }

        return new ConfigNode(filled.Text.Length == 0 && filled.Missing is null ? ConfigNodeKind.Null : ConfigNodeKind.Text, line, filled.Text)
        {
            IsLoose = true,
            Variables = filled.Names,
            MissingVariable = filled.Missing,
        };
    }

    private static ConfigNodeKind KindOf(string text) => text switch
    {
        "" or "~" or "null" or "Null" or "NULL" => ConfigNodeKind.Null,
        "true" or "True" or "TRUE" or "false" or "False" or "FALSE" => ConfigNodeKind.Flag,
        _ => Number().IsMatch(text) ? ConfigNodeKind.Number : ConfigNodeKind.Text,
    };

    /// <summary>JSON's numbers: what is sent to a provider must be one.</summary>
    [GeneratedRegex(@"^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?\z", RegexOptions.CultureInvariant)]
    internal static partial Regex Number();
}
