namespace LlmGateway.ModelTests.Checks;

/// <summary>Prints findings section by section, and counts what is to be mended.</summary>
internal sealed class CheckReport(TextWriter output)
{
    private int _failures;
    private int _warnings;

    public async Task WriteAsync(string section, IReadOnlyList<CheckFinding> findings)
    {
        await output.WriteLineAsync(section);
        foreach (var finding in findings)
        {
            await output.WriteLineAsync($"  {Word(finding.Status)}  {finding.Subject}: {finding.Message}");
            if (finding.Remedy is { } remedy)
            {
                await output.WriteLineAsync($"        → {remedy}");
            }
        }

        _failures += findings.Count(finding => finding.Status == CheckStatus.Failed);
        _warnings += findings.Count(finding => finding.Status == CheckStatus.Warning);
    }

    /// <summary>The last line, and the process's exit code: 0, or 1 where something is to be mended.</summary>
    public async Task<int> CloseAsync()
    {
        var warnings = _warnings == 0 ? "" : $", {Count(_warnings, "warning")}";
        await output.WriteLineAsync(_failures == 0 ? $"All is well{warnings}." : $"{Count(_failures, "problem")} to mend{warnings}.");
        return _failures == 0 ? 0 : 1;
    }

    private static string Count(int number, string noun) => $"{number} {noun}{(number == 1 ? "" : "s")}";

    private static string Word(CheckStatus status) => status switch
    {
        CheckStatus.Ok => "ok  ",
        CheckStatus.Warning => "warn",
        _ => "FAIL",
    };
}
