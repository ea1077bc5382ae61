using LlmGateway.Configuration;

namespace LlmGateway.ModelTests.Checks;

/// <summary>What one check found. It never holds a secret.</summary>
/// <param name="Status">How it ended.</param>
/// <param name="Subject">What was looked at.</param>
/// <param name="Message">What was found.</param>
/// <param name="Remedy">What to do about it; null where nothing is to be done.</param>
internal sealed record CheckFinding(CheckStatus Status, string Subject, string Message, string? Remedy = null)
{
    public static CheckFinding Ok(string subject, string message) => new(CheckStatus.Ok, subject, message);

    public static CheckFinding Warning(string subject, string message, string? remedy = null) => new(CheckStatus.Warning, subject, message, remedy);

    public static CheckFinding Failed(string subject, string message, string remedy) => new(CheckStatus.Failed, subject, message, remedy);

    public static CheckFinding Of(ConfigProblem problem)
    {
        var place = problem.Line is { } line ? $"{problem.Source}:{line}" : problem.Source;
        return new CheckFinding(CheckStatus.Failed, problem.Member.Length == 0 ? place : $"{place} {problem.Member}", problem.Reason, problem.Remedy ?? "Correct it there.");
    }
}
