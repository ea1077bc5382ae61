using System.Text.RegularExpressions;
using LlmGateway.Configuration;
using YamlDotNet.Core;

namespace LlmGateway.ModelTests;

/// <summary>
/// Sets one flag of one model in the text of <c>llm_settings.yaml</c> and leaves all else as it stands: comments, order, quotes, line ends.
/// A model that is not listed is added under its provider, a provider under <c>providers</c>; a plain list of models becomes a mapping.
/// </summary>
internal static partial class SettingsYamlEditor
{
    private const int IndentStep = 2;

    /// <summary>The changed text, or why it cannot be changed.</summary>
    public static (string? Text, string? Problem) SetFlag(string text, string provider, string model, string flag, bool value)
    {
        string[] path = ["providers", provider, "models", model, flag];
        try
        {
            var root = SettingsYamlNode.Parse(text);
            if (root is null || root.IsNull)
            {
                return (Append(text, Lines(path, 0, Word(value), NewLine(text)), NewLine(text)), null);
            }

            return Put(text, root, path, Word(value));
        }
        catch (YamlException)
        {
            return (null, "it is not valid YAML");
        }
    }

    private static (string? Text, string? Problem) Put(string text, SettingsYamlNode node, ReadOnlySpan<string> path, string value)
    {
        if (!node.IsMap)
        {
            return (null, $"what stands above \"{path[0]}\" is no plain mapping (an alias, perhaps)");
        }

        var (key, member) = Find(node, path[0], isProvider: path.Length == 4);
        var rest = path[1..];
        if (key is null || member is null)
        {
            return (Add(text, node, path, value), null);
        }

        if (rest.IsEmpty)
        {
            return member.IsScalar && !member.Text.Contains("${", StringComparison.Ordinal)
                ? (Replace(text, member.Start, member.End, member.IsNull && member.Start == member.End ? " " + value : value), null)
                : (null, $"\"{path[0]}\" is no plain value that could be replaced");
        }

        if (member.IsNull)
        {
            return Fill(text, node, key, member, rest, value);
        }

        if (member.IsList && path.Length == 3)
        {
            return ToMapping(text, member) is { } changed
                ? Put(changed, SettingsYamlNode.Parse(changed)!, ["providers", Provider(text, member), .. path], value)
                : (null, "its list of models holds something else than plain names");
        }

        return Put(text, member, rest, value);
    }

    /// <summary>The name of the provider that holds the list.</summary>
    private static string Provider(string text, SettingsYamlNode list) =>
        Find(SettingsYamlNode.Parse(text)!, "providers", isProvider: false).Value!.Members.First(member => member.Value.Start <= list.Start && list.End <= member.Value.End).Key.Text;

    private static (SettingsYamlNode? Key, SettingsYamlNode? Value) Find(SettingsYamlNode map, string name, bool isProvider)
    {
        foreach (var (key, value) in map.Members)
        {
            if (isProvider ? ProviderNames.AreSame(key.Text, name) : key.Text == name)
            {
                return (key, value);
            }
        }

        return default;
    }

    private static string Add(string text, SettingsYamlNode map, ReadOnlySpan<string> path, string value)
    {
        if (!map.IsFlow)
        {
            return InsertLines(text, map.End, Lines(path, Column(text, map.Start), value, NewLine(text)));
        }

        if (map.Members.Count == 0)
        {
            return Replace(text, map.Start, map.End, $"{{ {Flow(path, value)} }}");
        }

        return Replace(text, map.Members[^1].Value.End, map.Members[^1].Value.End, $", {Flow(path, value)}");
    }

    /// <summary>A member that is there without a value gets one.</summary>
    private static (string? Text, string? Problem) Fill(string text, SettingsYamlNode map, SettingsYamlNode key, SettingsYamlNode member, ReadOnlySpan<string> rest, string value)
    {
        var colon = key.End;
        while (colon < text.Length && text[colon] == ' ')
        {
            colon++;
        }

        if (colon >= text.Length || text[colon] != ':')
        {
            return (null, $"\"{key.Text}\" is written in a way that is not edited (a key with ?)");
        }

        if (member.Text.Length > 0)
        {
            return (Replace(text, member.Start, member.End, $"{{ {Flow(rest, value)} }}"), null);
        }

        return map.IsFlow || rest.Length == 1
            ? (Replace(text, colon + 1, colon + 1, $" {{ {Flow(rest, value)} }}"), null)
            : (InsertLines(text, colon + 1, Lines(rest, Column(text, key.Start) + IndentStep, value, NewLine(text))), null);
    }

    /// <summary>Makes of <c>[a, b]</c>, or of lines with dashes, a mapping of the same names.</summary>
    private static string? ToMapping(string text, SettingsYamlNode list)
    {
        if (list.Items.Any(item => !item.IsScalar || item.Start >= item.End || text.AsSpan(item.Start, item.End - item.Start).ContainsAny('\r', '\n')))
        {
            return null;
        }

        var changed = text;
        if (list.IsFlow)
        {
            changed = Replace(changed, list.End - 1, list.End, char.IsWhiteSpace(text[list.End - 2]) ? "}" : " }");
        }

        foreach (var item in Enumerable.Reverse(list.Items))
        {
            var written = changed[item.Start..item.End];
            if (list.IsFlow)
            {
                changed = Replace(changed, item.Start, item.End, (item.IsPlain ? Key(item.Text) : written) + ": {}");
                continue;
            }

            var dash = changed.LastIndexOf('-', item.Start - 1);
            if (dash < 0 || !changed.AsSpan(dash + 1, item.Start - dash - 1).Trim(' ').IsEmpty)
            {
                return null;
            }

            changed = Replace(changed, dash, item.End, $"  {written}: {{}}");
        }

        return list.IsFlow ? Replace(changed, list.Start, list.Start + 1, char.IsWhiteSpace(text[list.Start + 1]) ? "{" : "{ ") : changed;
    }

    /// <summary>The path as lines; its last two steps stand on one.</summary>
    private static string Lines(ReadOnlySpan<string> path, int column, string value, string newLine)
    {
        var lines = "";
        while (path.Length > 2)
        {
            lines += $"{new string(' ', column)}{Key(path[0])}:{newLine}";
            path = path[1..];
            column += IndentStep;
        }

        return $"{lines}{new string(' ', column)}{Flow(path, value)}{newLine}";
    }

    private static string Flow(ReadOnlySpan<string> path, string value) =>
        path.Length == 1 ? $"{Key(path[0])}: {value}" : $"{Key(path[0])}: {{ {Flow(path[1..], value)} }}";

    private static string InsertLines(string text, int behind, string lines)
    {
        // A block of text ends at the start of the next line already.
        var at = behind > 0 && text[behind - 1] == '\n' ? behind : text.IndexOf('\n', behind) + 1;
        return at == 0 ? Append(text, lines, NewLine(text)) : Replace(text, at, at, lines);
    }

    private static string Append(string text, string lines, string newLine) => (text.Length == 0 || text.EndsWith('\n') ? text : text + newLine) + lines;

    private static string Replace(string text, int start, int end, string by) => string.Concat(text.AsSpan(0, start), by, text.AsSpan(end));

    private static int Column(string text, int offset) => offset - (text.LastIndexOf('\n', Math.Max(offset - 1, 0)) + 1);

    private static string NewLine(string text) => text.Contains("\r\n", StringComparison.Ordinal) ? "\r\n" : "\n";

    private static string Word(bool value) => value ? "true" : "false";

    /// <summary>Quoted where a colon could end the name inside brackets, or its first sign means something in YAML.</summary>
    private static string Key(string name) => PlainKey().IsMatch(name)
        ? name
        : $"\"{name.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\"";

    [GeneratedRegex(@"^[A-Za-z0-9_][A-Za-z0-9_./@+-]*\z", RegexOptions.CultureInvariant)]
    private static partial Regex PlainKey();
}
