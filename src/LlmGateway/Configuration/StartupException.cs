namespace LlmGateway.Configuration;

/// <summary>The gateway cannot start: every problem at once. The process ends with <see cref="ExitCode"/>.</summary>
public sealed class StartupException(IReadOnlyList<ConfigProblem> problems) : Exception(Describe(problems))
{
    /// <summary>EX_CONFIG of sysexits.h.</summary>
    public const int ExitCode = 78;

    public IReadOnlyList<ConfigProblem> Problems { get; } = problems;

    private static string Describe(IReadOnlyList<ConfigProblem> problems) =>
        $"The gateway cannot start, {(problems.Count == 1 ? "one problem" : $"{problems.Count} problems")}:"
        + string.Concat(problems.Select(problem => $"{Environment.NewLine}  - {problem}"));
}
