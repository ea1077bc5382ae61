using System.Text;
using System.Text.RegularExpressions;

namespace LlmGateway.Configuration.Documents;

/// <summary>Puts settings in the place of <c>${NAME}</c> and <c>${NAME:-default}</c>, in one pass; <c>$${</c> stands for <c>${</c>.</summary>
internal sealed partial class VariableSubstitution(Func<string, string?> find)
{
    /// <summary>The text with its variables filled in, the names asked for, and the one that is not set; null where the text is malformed.</summary>
    public Result? Apply(string text)
    {
        var filled = new StringBuilder(text.Length);
        var names = new List<string>();
        string? missing = null;
        var position = 0;
        while (true)
        {
            var start = text.IndexOf("${", position, StringComparison.Ordinal);
            if (start < 0)
            {
                filled.Append(text, position, text.Length - position);
                return new Result(filled.ToString(), names, missing);
            }

            if (start > position && text[start - 1] == '$')
            {
                filled.Append(text, position, start - 1 - position).Append("${");
                position = start + 2;
                continue;
            }

            var match = Reference().Match(text, start);
            if (!match.Success)
            {
                return null;
            }

            filled.Append(text, position, start - position);
            var name = match.Groups["name"].Value;
            names.Add(name);
            if (find(name) is { } value)
            {
                filled.Append(value);
            }
            else if (match.Groups["default"] is { Success: true } fallback)
            {
                filled.Append(fallback.ValueSpan);
            }
            else
            {
                missing ??= name;
            }

            position = start + match.Length;
        }
    }

    [GeneratedRegex(@"\G\$\{(?<name>[A-Za-z_][A-Za-z0-9_]*)(:-(?<default>[^}]*))?\}", RegexOptions.CultureInvariant)]
    private static partial Regex Reference();

    internal sealed record Result(string Text, IReadOnlyList<string> Names, string? Missing);
}
