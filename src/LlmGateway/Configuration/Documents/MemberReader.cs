using System.Globalization;

namespace LlmGateway.Configuration.Documents;

/// <summary>
/// Reads the members of one object, reporting what is wrong with each and going on: a bad member reads as left out.
/// Values are shown in messages only where they cannot be secrets.
/// </summary>
internal sealed class MemberReader
{
    private readonly Dictionary<string, ConfigNode> _members = new(StringComparer.Ordinal);
    private readonly IReadOnlyList<string> _known;

    public MemberReader(ConfigNode node, string path, DocumentScope scope, IReadOnlyList<string> known)
    {
        Path = path;
        Scope = scope;
        Line = node.Line;
        _known = known;
        if (node.Kind is not (ConfigNodeKind.Map or ConfigNodeKind.Null))
        {
            scope.Report(node.Line, path, "must be an object");
            return;
        }

        foreach (var (name, value) in node.Members)
        {
            if (known.Contains(name))
            {
                _members.TryAdd(name, value);
            }
            else
            {
                scope.Report(value.Line, Join(path, name), "is not known here", $"Did you mean \"{NearestName.Of(name, known)}\"?");
            }
        }
    }

    public string Path { get; }

    public int Line { get; }

    public DocumentScope Scope { get; }

    public static string Join(string path, string name)
    {
        // A name can be anything in a file that is wrong; messages stay one line and short.
        var shown = name.Length > 80 ? name[..80] + "…" : name;
        shown = string.Concat(shown.Select(character => char.IsControl(character) ? '?' : character));
        return path.Length == 0 ? shown : $"{path}.{shown}";
    }

    public string PathOf(string name) => Join(Path, name);

    public int LineOf(string name) => _members.TryGetValue(name, out var node) ? node.Line : Line;

    public void Report(string name, string reason, string? remedy = null) => Scope.Report(LineOf(name), PathOf(name), reason, remedy);

    /// <summary>The member's value; null where it is left out or null.</summary>
    public ConfigNode? Node(string name)
    {
        if (!_known.Contains(name))
        {
            throw new InvalidOperationException($"The member {name} is read and not listed as known.");
        }

        return _members.TryGetValue(name, out var node) && node.Kind != ConfigNodeKind.Null ? node : null;
    }

    public string? Text(string name, Func<string, bool>? isAllowed = null, string? allowed = null) =>
        Node(name) is { } node ? TextOf(node, PathOf(name), isAllowed, allowed) : null;

    public string? OneOf(string name, params IReadOnlyList<string> allowed) => Text(name, allowed.Contains, $"one of {string.Join(", ", allowed)}");

    public bool? Flag(string name)
    {
        if (Scalar(name) is not { } node)
        {
            return null;
        }

        if ((node.Kind == ConfigNodeKind.Flag || node.IsLoose) && bool.TryParse(node.Text, out var flag))
        {
            return flag;
        }

        Report(name, "must be true or false");
        return null;
    }

    /// <summary>A number as it was written, between two bounds.</summary>
    public string? Number(string name, double least, double most)
    {
        if (Scalar(name) is not { } node)
        {
            return null;
        }

        if (IsNumber(node) && double.TryParse(node.Text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) && value >= least && value <= most)
        {
            return node.Text;
        }

        Report(name, Invariant($"must be a number from {least} to {most}") + Found(node));
        return null;
    }

    public long? Integer(string name, long least, long most)
    {
        if (Scalar(name) is not { } node)
        {
            return null;
        }

        if (IsNumber(node) && long.TryParse(node.Text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value) && value >= least && value <= most)
        {
            return value;
        }

        var range = most == long.MaxValue ? Invariant($"of {least} or more") : Invariant($"from {least} to {most}");
        Report(name, $"must be a whole number {range}" + Found(node));
        return null;
    }

    public decimal? Money(string name, decimal most)
    {
        if (Scalar(name) is not { } node)
        {
            return null;
        }

        if (IsNumber(node) && decimal.TryParse(node.Text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) && value >= 0 && value <= most)
        {
            return value;
        }

        Report(name, Invariant($"must be a number of dollars from 0 to {most}") + Found(node));
        return null;
    }

    /// <summary>A time in seconds, above zero.</summary>
    public TimeSpan? Seconds(string name, int most = 86_400) => Duration(name, TimeSpan.FromSeconds, most, "seconds", allowsZero: false);

    /// <summary>A time in seconds, zero allowed.</summary>
    public TimeSpan? SecondsOrZero(string name, int most) => Duration(name, TimeSpan.FromSeconds, most, "seconds", allowsZero: true);

    public TimeSpan? Milliseconds(string name, int most, bool allowsZero = true) => Duration(name, TimeSpan.FromMilliseconds, most, "milliseconds", allowsZero);

    public IReadOnlyList<string>? Texts(string name, Func<string, bool>? isAllowed = null, string? allowed = null)
    {
        if (Node(name) is not { } node)
        {
            return null;
        }

        if (node.Kind != ConfigNodeKind.List)
        {
            Report(name, "must be a list");
            return null;
        }

        return [.. node.Items.Select((item, index) => TextOf(item, $"{PathOf(name)}[{index}]", isAllowed, allowed)).OfType<string>()];
    }

    /// <summary>An object of texts with names of the user's choice.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> TextMap(string name)
    {
        var map = new List<KeyValuePair<string, string>>();
        foreach (var (member, value) in Map(name))
        {
            if (TextOf(value, Join(PathOf(name), member)) is { } text)
            {
                map.Add(new(member, text));
            }
        }

        return map;
    }

    /// <summary>The members of an object with names of the user's choice.</summary>
    public IReadOnlyList<KeyValuePair<string, ConfigNode>> Map(string name)
    {
        if (Node(name) is not { } node)
        {
            return [];
        }

        if (node.Kind == ConfigNodeKind.Map)
        {
            return node.Members;
        }

        Report(name, "must be an object");
        return [];
    }

    public MemberReader? Object(string name, IReadOnlyList<string> known) => Node(name) is { } node ? new MemberReader(node, PathOf(name), Scope, known) : null;

    /// <summary>The text of a node; null, and a report, where it is none or not allowed.</summary>
    public string? TextOf(ConfigNode node, string path, Func<string, bool>? isAllowed = null, string? allowed = null)
    {
        if (!IsSet(node, path))
        {
            return null;
        }

        if (node.Kind != ConfigNodeKind.Text && !(node.IsLoose && node.Kind is ConfigNodeKind.Number or ConfigNodeKind.Flag))
        {
            Scope.Report(node.Line, path, "must be text");
            return null;
        }

        if (isAllowed is not null && !isAllowed(node.Text))
        {
            Scope.Report(node.Line, path, $"must be {allowed}");
            return null;
        }

        return node.Text;
    }

    private TimeSpan? Duration(string name, Func<double, TimeSpan> convert, int most, string caption, bool allowsZero)
    {
        if (Scalar(name) is not { } node)
        {
            return null;
        }

        if (IsNumber(node)
            && double.TryParse(node.Text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value)
            && value <= most
            && (value > 0 || (allowsZero && value == 0)))
        {
            return convert(value);
        }

        Report(name, Invariant($"must be a number of {caption} {(allowsZero ? "from" : "above")} 0{(allowsZero ? " to" : ", at most")} {most}") + Found(node));
        return null;
    }

    private ConfigNode? Scalar(string name) => Node(name) is { } node && IsSet(node, PathOf(name)) ? node : null;

    private bool IsSet(ConfigNode node, string path)
    {
        if (node.MissingVariable is { } variable)
        {
            Scope.Report(node.Line, path, $"the variable {variable} is not set", $"Set {variable}, or write ${{{variable}:-default}}.");
        }

        return node.MissingVariable is null;
    }

    private static bool IsNumber(ConfigNode node) =>
        node.Kind == ConfigNodeKind.Number || (node.IsLoose && YamlConfigParser.Number().IsMatch(node.Text));

    /// <summary>Numbers of the file itself may be shown; text and variables' values may not.</summary>
    private static string Found(ConfigNode node) =>
        node.Kind == ConfigNodeKind.Number && node.Variables.Count == 0 && node.Text.Length <= 24 ? $", found {node.Text}" : "";

    private static string Invariant(FormattableString text) => FormattableString.Invariant(text);
}
