using System.Globalization;

namespace LlmGateway.Configuration;

/// <summary>Reads typed settings by name; a malformed one is reported and reads as its default.</summary>
internal sealed class SettingReader(SettingsSource settings, ICollection<ConfigProblem> problems)
{
    public string? Text(string name) => settings.Find(name);

    /// <summary>The found text is shown only for settings that are never secret.</summary>
    public void Report(string name, string reason, string? found = null)
    {
        var shown = found is { Length: <= 40 } && Names.IsPrintable(found) ? $", found \"{found}\"" : "";
        problems.Add(new ConfigProblem("settings", null, name, reason + shown));
    }

    public int Integer(string name, int usual, int least, int most) => IntegerOrNull(name, least, most) ?? usual;

    public int? IntegerOrNull(string name, int least, int most)
    {
        if (Text(name) is not { } text)
        {
            return null;
        }

        if (int.TryParse(text.Trim(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value) && value >= least && value <= most)
        {
            return value;
        }

        Report(name, FormattableString.Invariant($"must be a whole number from {least} to {most}"), text);
        return null;
    }

    public TimeSpan? Seconds(string name, int most, bool allowsZero)
    {
        if (Text(name) is not { } text)
        {
            return null;
        }

        if (double.TryParse(text.Trim(), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var value) && value <= most && (value > 0 || (allowsZero && value == 0)))
        {
            return TimeSpan.FromSeconds(value);
        }

        Report(name, FormattableString.Invariant($"must be a number of seconds {(allowsZero ? "from 0 to" : "above 0, at most")} {most}"), text);
        return null;
    }

    /// <summary>A number that goes into requests as it is written, so it must be JSON's.</summary>
    public string? JsonNumber(string name, double least, double most)
    {
        if (Text(name)?.Trim() is not { } text)
        {
            return null;
        }

        if (Documents.YamlConfigParser.Number().IsMatch(text) && double.Parse(text, CultureInfo.InvariantCulture) is var value && value >= least && value <= most)
        {
            return text;
        }

        Report(name, FormattableString.Invariant($"must be a number from {least} to {most}"), text);
        return null;
    }

    public long Size(string name, long usual, long most)
    {
        if (Text(name) is not { } text)
        {
            return usual;
        }

        if (ByteSize.TryParse(text, out var bytes) && bytes > 0 && bytes <= most)
        {
            return bytes;
        }

        Report(name, $"must be a size such as 32MiB, 512MB or 1048576, at most {most >> 30} GiB", text);
        return usual;
    }

    public bool Flag(string name)
    {
        switch (Text(name)?.Trim().ToLowerInvariant())
        {
            case null or "false" or "0" or "no" or "off":
                return false;
            case "true" or "1" or "yes" or "on":
                return true;
            default:
                Report(name, "must be true or false", Text(name));
                return false;
        }
    }

    public Uri? Url(string name)
    {
        if (Text(name) is not { } text)
        {
            return null;
        }

        if (BaseUrls.TryParse(text.Trim(), out var url, out var reason))
        {
            return url;
        }

        Report(name, reason);
        return null;
    }

    public string? Identity(string name) => Checked(name, Names.IsIdentity, Names.IdentityCaption);

    public string? Model(string name) => Checked(name, Names.IsModel, "a model's name: 1 to 256 printable ASCII characters without spaces");

    /// <summary>A key is sent in a header; a line break at its end, as files leave it, is no part of it.</summary>
    public string? Secret(string name) => Checked(name, Names.IsSecret, "printable ASCII without spaces");

    private string? Checked(string name, Func<string, bool> isAllowed, string allowed)
    {
        if (Text(name)?.Trim() is not { } text)
        {
            return null;
        }

        if (isAllowed(text))
        {
            return text;
        }

        Report(name, $"must be {allowed}");
        return null;
    }
}
