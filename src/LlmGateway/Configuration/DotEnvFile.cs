using System.Text;

namespace LlmGateway.Configuration;

/// <summary>
/// Reads <c>.env</c>: <c>NAME=value</c> lines, <c>export</c>, comments, single and double quotes.
/// A parser of the gateway's own, because a <c>$</c> in a secret must stay a <c>$</c>: nothing is interpolated.
/// </summary>
internal static class DotEnvFile
{
    public static Dictionary<string, string> Parse(string text, string source, ICollection<ConfigProblem> problems)
    {
        var values = new Dictionary<string, string>(StringComparer.Ordinal);
        var lines = text.TrimStart('\uFEFF').Split('\n');
        for (var index = 0; index < lines.Length; index++)
        {
            var line = lines[index].Trim();
            if (line.Length == 0 || line[0] == '#')
            {
                continue;
            }

            if (line.StartsWith("export ", StringComparison.Ordinal) || line.StartsWith("export\t", StringComparison.Ordinal))
            {
                line = line[7..].TrimStart();
            }

            var equals = line.IndexOf('=');
            var name = equals < 0 ? "" : line[..equals].TrimEnd();
            if (!SettingNames.IsVariable(name))
            {
                problems.Add(new ConfigProblem(source, index + 1, "", "the line is not NAME=value", "Write NAME=value, or put # in front of a comment."));
                continue;
            }

            if (TryReadValue(line[(equals + 1)..].Trim(), out var value))
            {
                values[name] = value;
            }
            else
            {
                problems.Add(new ConfigProblem(source, index + 1, name, "the closing quote is missing, or text follows it", "Close the quote on the same line."));
            }
        }

        return values;
    }

    private static bool TryReadValue(string text, out string value)
    {
        value = text;
        if (text.Length == 0)
        {
            return true;
        }

        if (text[0] is not ('"' or '\''))
        {
            value = StripComment(text);
            return true;
        }

        var quote = text[0];
        var unquoted = new StringBuilder(text.Length);
        for (var index = 1; index < text.Length; index++)
        {
            var character = text[index];
            if (character == quote)
            {
                value = unquoted.ToString();
                var rest = text.AsSpan(index + 1).TrimStart();
                return rest.IsEmpty || rest[0] == '#';
            }

            if (character == '\\' && quote == '"' && index + 1 < text.Length)
            {
                index++;
                unquoted.Append(Unescape(text[index]));
            }
            else
            {
                unquoted.Append(character);
            }
        }

        return false;
    }

    /// <summary>A <c>#</c> starts a comment only after white space: keys and URLs hold it too.</summary>
    private static string StripComment(string text)
    {
        if (text[0] == '#')
        {
            return "";
        }

        for (var index = 1; index < text.Length; index++)
        {
            if (text[index] == '#' && char.IsWhiteSpace(text[index - 1]))
            {
                return text[..index].TrimEnd();
            }
        }

        return text;
    }

    private static string Unescape(char character) => character switch
    {
        'n' => "\n",
        'r' => "\r",
        't' => "\t",
        '"' or '\\' or '$' => character.ToString(),
        _ => "\\" + character,
    };
}
