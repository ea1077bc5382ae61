using System.Text;
using LlmGateway.Configuration;
using LlmGateway.Model;

namespace LlmGateway.ModelTests;

/// <summary>
/// Writes what the probes showed into <c>llm_settings.yaml</c> as capability flags. The new text is read by the real loader first: it replaces the
/// file only if it is valid, says the flags, and says nothing else differently.
/// </summary>
internal static class CapabilityWriter
{
    private static readonly UTF8Encoding StrictUtf8 = new(false, throwOnInvalidBytes: true);

    private static readonly (string Flag, string Probe, Func<ModelConfig, bool?> Get, Func<ModelConfig, bool, ModelConfig> Set)[] Flags =
    [
        ("supports_tools", ProbeNames.Tools, model => model.SupportsTools, (model, value) => model with { SupportsTools = value }),
        ("supports_vision", ProbeNames.Vision, model => model.SupportsVision, (model, value) => model with { SupportsVision = value }),
        ("supports_json_schema", ProbeNames.JsonSchema, model => model.SupportsJsonSchema, (model, value) => model with { SupportsJsonSchema = value }),
    ];

    public static CapabilityOutcome Write(ConfigStart start, IReadOnlyList<ModelResult> results)
    {
        var location = start.Host.SettingsFile;
        var files = ConfigFileSet.Read(start.Host);
        var (changes, changed, problem) = Edit(start, files, results);
        if (problem is null && changed is not null)
        {
            problem = AtomicFile.Replace(location.Path, changed, () => ConfigFileContent.Read(location).IsSameAs(files.Settings));
        }

        return new CapabilityOutcome(location.DisplayName, problem is null && changed is not null, changes, problem);
    }

    private static (IReadOnlyList<string> Changes, byte[]? Changed, string? Problem) Edit(ConfigStart start, ConfigFileSet files, IReadOnlyList<ModelResult> results)
    {
        if (files.Settings.Failure is { } failure)
        {
            return ([], null, failure.Reason);
        }

        var before = start.Loader.Load(files, 0);
        if (!before.IsAccepted)
        {
            return ([], null, $"the configuration has changed meanwhile and is not valid: {before.Problems[0]}");
        }

        var bytes = files.Settings.Bytes;
        var hasMark = bytes.AsSpan().StartsWith(Encoding.UTF8.Preamble);
        var text = StrictUtf8.GetString(bytes, hasMark ? 3 : 0, bytes.Length - (hasMark ? 3 : 0));
        var changes = new List<string>();
        var expected = new Dictionary<(string Provider, string Model), ModelConfig>();

        // A mock's abilities are made up.
        foreach (var result in results.Where(result => result is { Available: true, Type: not "mock" }))
        {
            var known = Known(before.Candidate, result.Provider, result.Model);
            var wanted = known ?? new ModelConfig { Name = result.Model };
            foreach (var (flag, probe, get, set) in Flags)
            {
                if (result.Shows(probe) is not { } value || get(wanted) == value)
                {
                    continue;
                }

                var (edited, problem) = SettingsYamlEditor.SetFlag(text, result.Provider, result.Model, flag, value);
                if (edited is null)
                {
                    return (changes, null, $"{result}: {problem}");
                }

                changes.Add($"{result}: {flag}: {(get(wanted) is { } old ? Word(old) + " → " : "")}{Word(value)}{(known is null ? " (new entry)" : "")}");
                text = edited;
                wanted = set(wanted, value);
                expected[(result.Provider, result.Model)] = wanted;
            }
        }

        if (changes.Count == 0)
        {
            return (changes, null, null);
        }

        byte[] changed = [.. hasMark ? Encoding.UTF8.Preamble : default, .. StrictUtf8.GetBytes(text)];
        var content = files.Settings with { State = ConfigFileState.Read, Bytes = changed, Failure = null };
        var after = start.Loader.Load(files.With(content), 0);
        var why = after.Problems.Concat(start.Rules.Check(after).Problems).FirstOrDefault()?.ToString() ?? Difference(before.Candidate, after.Candidate, expected);
        return why is null ? (changes, changed, null) : (changes, null, $"the edited file would not be right: {why}");
    }

    /// <summary>What the new file would say differently besides the flags; null: nothing.</summary>
    private static string? Difference(GatewayConfig before, GatewayConfig after, Dictionary<(string Provider, string Model), ModelConfig> expected)
    {
        foreach (var provider in before.Providers.Values.Concat(after.Providers.Values).Select(provider => provider.Name).Distinct(StringComparer.Ordinal))
        {
            var models = after.Providers.GetValueOrDefault(provider)?.Models.Values.ToDictionary(model => model.Name, StringComparer.Ordinal) ?? [];
            var wanted = before.Providers.GetValueOrDefault(provider)?.Models.Values.ToDictionary(model => model.Name, StringComparer.Ordinal) ?? [];
            foreach (var ((_, name), model) in expected.Where(entry => entry.Key.Provider == provider))
            {
                wanted[name] = model;
            }

            if (models.Count != wanted.Count || wanted.Any(entry => models.GetValueOrDefault(entry.Key) != entry.Value))
            {
                return $"the models of {provider} would be others";
            }
        }

        return Routes(before).SequenceEqual(Routes(after).Where(route => route.Name[0] != '=' || before.ListedModels.ContainsKey(route.Name[1..])))
            ? null
            : "a role, an agent or a listed name would lead to another model";
    }

    private static IEnumerable<(string Name, string Targets)> Routes(GatewayConfig config) =>
        config.Roles.Select(role => ($"role:{role.Key}", string.Join(' ', role.Value)))
            .Concat(config.Agents.Values.Prepend(config.Default).Select(profile => ($"agent:{profile.Name}", string.Join(' ', profile.Fallbacks.Prepend(profile.Target)))))
            .Concat(config.ListedModels.Select(listed => ($"={listed.Key}", listed.Value.ToString())))
            .OrderBy(route => route.Item1, StringComparer.Ordinal);

    private static ModelConfig? Known(GatewayConfig config, string provider, string model) =>
        config.Providers.GetValueOrDefault(provider)?.Models.GetValueOrDefault(model);

    private static string Word(bool value) => value ? "true" : "false";
}
