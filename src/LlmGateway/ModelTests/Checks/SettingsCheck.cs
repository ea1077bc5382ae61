using LlmGateway.Configuration;
using LlmGateway.Model;

namespace LlmGateway.ModelTests.Checks;

/// <summary>Settings, files, and the rules that a start is held to.</summary>
internal static class SettingsCheck
{
    public static IReadOnlyList<CheckFinding> Environment(
        HostSettings host, IReadOnlyList<string> urls, GatewayConfig config, IReadOnlyList<ConfigProblem> problems, IReadOnlyList<string> warnings)
    {
        var makesKey = ContainerKey.IsWanted(host, new StartRules(host, urls).IsExposed, config.ClientKeys.Count);
        var wrong = problems.Concat(ListenAddressRules.Check(urls))
            .Where(problem => problem.File is null && !(makesKey && problem.Member == SettingNames.ClientKeys))
            .Distinct()
            .Select(CheckFinding.Of);
        return
        [
            CheckFinding.Ok(SettingNames.Environment, host.Environment),
            CheckFinding.Ok("calls without an agent go to", config.Default.Target.ToString()),
            CheckFinding.Ok("listens at", string.Join(", ", urls)),
            .. makesKey ? [CheckFinding.Ok(SettingNames.ClientKeys, "not set; a key is made and printed at the first start")] : Array.Empty<CheckFinding>(),
            .. wrong,
            .. warnings.Select(warning => CheckFinding.Warning("start", warning)),
        ];
    }

    public static IReadOnlyList<CheckFinding> Files(ConfigFileSet files, IReadOnlyList<ConfigProblem> problems)
    {
        var findings = new List<CheckFinding>();
        foreach (var file in files.All)
        {
            var wrong = problems.Where(problem => problem.File == file.Location.Kind).Select(CheckFinding.Of).ToList();
            findings.AddRange(wrong);
            if (wrong.Count == 0)
            {
                findings.Add(CheckFinding.Ok(
                    file.Location.DisplayName, file.State == ConfigFileState.Missing ? "not there; built-in defaults are used" : "valid"));
            }
        }

        return findings;
    }
}
