using System.Text.Json;

namespace LlmGateway.Tests.Deployment;

/// <summary>The image's description, line by line; lines that go on are one.</summary>
internal static class Dockerfile
{
    public static IReadOnlyList<string> Lines { get; } =
        [.. Repository.ReadText("docker/Dockerfile").Replace("\\\n", " ", StringComparison.Ordinal).Split('\n').Where(line => line.Length > 0 && !line.StartsWith('#'))];

    /// <summary>The lines of the stage that becomes the image.</summary>
    public static IReadOnlyList<string> Final { get; } = [.. Lines.Skip(Lines.ToList().FindLastIndex(line => line.StartsWith("FROM ", StringComparison.Ordinal)))];

    public static string User { get; } = Only("USER");

    public static string DataFolder { get; } = Only("VOLUME");

    public static IReadOnlyList<string> HealthCommand { get; } = JsonSerializer.Deserialize<string[]>(Only("HEALTHCHECK")[(Only("HEALTHCHECK").IndexOf("CMD", StringComparison.Ordinal) + 3)..])!;

    public static IReadOnlyDictionary<string, string> Environment { get; } =
        Final.Where(line => line.StartsWith("ENV ", StringComparison.Ordinal)).SelectMany(line => line.Split(' ')[1..]).ToDictionary(pair => pair.Split('=', 2)[0], pair => pair.Split('=', 2)[1]);

    public static string Only(string instruction) => Final.Single(line => line.StartsWith(instruction + " ", StringComparison.Ordinal))[(instruction.Length + 1)..].Trim();
}
