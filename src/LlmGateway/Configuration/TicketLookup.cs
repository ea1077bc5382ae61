using LlmGateway.Configuration.Documents;
using LlmGateway.Configuration.Options;

namespace LlmGateway.Configuration;

/// <summary>Reads department tickets from the variables that <c>ticket_env</c> names; their values are checked and never shown.</summary>
internal sealed class TicketLookup(SettingsSource settings, ICollection<ConfigProblem> problems, ICollection<string> warnings)
{
    private readonly HashSet<string> _reported = new(StringComparer.Ordinal);

    /// <summary>The ticket of an agent or fallback; null where it names none or the variable is not set.</summary>
    public string? Find(TargetOptions options) => options.TicketEnv is { } name ? Find(name, options.Path) : null;

    /// <summary>The ticket of a client key.</summary>
    public string? Find(string name, MemberReader reader) => Find(name, reader.Path);

    private string? Find(string name, string path)
    {
        var value = settings.Find(name)?.Trim();
        if (value is null && _reported.Add(name))
        {
            warnings.Add($"{path}.ticket_env: the variable {name} is not set; calls go without this ticket");
        }

        if (value is null || Names.IsIdentity(value))
        {
            return value;
        }

        if (_reported.Add(name))
        {
            problems.Add(new ConfigProblem("settings", null, name, $"must be {Names.IdentityCaption}: {path}.ticket_env names it"));
        }

        return null;
    }
}
