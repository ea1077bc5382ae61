using System.IO.Enumeration;

namespace LlmGateway.Model;

/// <summary>Names that a client key may use. In each <c>*</c> stands for any text: <c>report_*</c>, <c>openai/*</c>.</summary>
public sealed class AllowedNames(IEnumerable<string> names)
{
    private readonly HashSet<string> _names = new(names, StringComparer.Ordinal);
    private readonly string[] _patterns = [.. names.Where(static name => name.Contains('*'))];

    /// <summary>As configured, in no order.</summary>
    public IReadOnlyCollection<string> Names => _names;

    public bool Contains(string name) =>
        _names.Contains(name) || Array.Exists(_patterns, pattern => FileSystemName.MatchesSimpleExpression(pattern, name, ignoreCase: false));
}
