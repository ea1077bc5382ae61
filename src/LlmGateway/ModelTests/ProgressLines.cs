using System.Globalization;

namespace LlmGateway.ModelTests;

/// <summary>One line for each probe as it ends: the same on a terminal and in a build's log.</summary>
/// <param name="output">Takes lines from several threads.</param>
/// <param name="total">Probes that there will be.</param>
internal sealed class ProgressLines(TextWriter output, int total)
{
    private int _ended;

    public void Write(ConfiguredModel model, ProbeResult result)
    {
        var number = Interlocked.Increment(ref _ended);
        var time = result.Duration is { } duration ? string.Create(CultureInfo.InvariantCulture, $" {duration} ms") : "";
        var detail = result.Detail is { } why ? $" ({why})" : "";
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"[{number}/{total}] {model.Target} {result.Name}: {Caption(result.Status)}{time}{detail}"));
    }

    private static string Caption(ProbeStatus status) => status switch
    {
        ProbeStatus.Passed => "passed",
        ProbeStatus.Failed => "failed",
        ProbeStatus.Error => "error",
        _ => "skipped",
    };
}
