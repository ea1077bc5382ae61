using System.Text.Json;

namespace LlmGateway.FunctionalTests.Infrastructure;

/// <summary>One query of one panel of a shipped dashboard.</summary>
/// <param name="Dashboard">File name.</param>
/// <param name="Title">Of the panel.</param>
/// <param name="Query">PromQL or SQL, Grafana's variables in it.</param>
/// <param name="IsSql">Which of them.</param>
internal sealed record DashboardPanel(string Dashboard, string Title, string Query, bool IsSql)
{
    /// <summary>The repository's folder of this name.</summary>
    public static string Folder(string name)
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "LlmGateway.sln")))
        {
            folder = folder.Parent;
        }

        return Path.Combine(folder?.FullName ?? throw new InvalidOperationException("The tests do not run inside the repository."), name);
    }

    public static IReadOnlyList<DashboardPanel> All() => [.. Directory.GetFiles(Path.Combine(Folder("grafana"), "dashboards"), "*.json").Order(StringComparer.Ordinal).SelectMany(Read)];

    public override string ToString() => $"{Dashboard}, {Title}: {Query}";

    private static List<DashboardPanel> Read(string file)
    {
        using var dashboard = JsonDocument.Parse(File.ReadAllText(file));
        return
        [
            .. from panel in dashboard.RootElement.GetProperty("panels").EnumerateArray()
               from target in panel.GetProperty("targets").EnumerateArray()
               let isSql = target.TryGetProperty("rawSql", out _)
               select new DashboardPanel(Path.GetFileName(file), panel.GetProperty("title").GetString()!, target.GetProperty(isSql ? "rawSql" : "expr").GetString()!, isSql),
        ];
    }
}
