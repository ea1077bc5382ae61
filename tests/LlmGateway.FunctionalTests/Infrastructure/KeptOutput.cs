using System.Text;

namespace LlmGateway.FunctionalTests.Infrastructure;

/// <summary>
/// A folder in which a run keeps what its gateways wrote (<c>output/</c>) and what none of it may hold (<c>shapes</c>, one a line), for
/// <c>tests/canaries.sh</c> to compare once everything has ended.
/// </summary>
internal sealed class KeptOutput(string folder)
{
    private readonly Lock _lock = new();

    /// <summary>The folder that <c>TEST_OUTPUT</c> names; null where nobody asks for it.</summary>
    public static KeptOutput? OfThisRun { get; } = Environment.GetEnvironmentVariable("TEST_OUTPUT") is { Length: > 0 } folder ? new KeptOutput(folder) : null;

    public void Keep(string name, string text)
    {
        var output = Directory.CreateDirectory(Path.Combine(folder, "output"));
        File.WriteAllText(Path.Combine(output.FullName, $"{name}-{Guid.NewGuid():N}.log"), text);
    }

    public void Forbid(IEnumerable<string> shapes)
    {
        var lines = new StringBuilder();
        foreach (var shape in shapes)
        {
            lines.Append(shape).Append('\n');
        }

        lock (_lock)
        {
            File.AppendAllText(Path.Combine(folder, "shapes"), lines.ToString());
        }
    }
}
