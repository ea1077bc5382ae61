namespace LlmGateway.Configuration.Documents;

/// <summary>The file that is being read, and the list that takes what is wrong with it.</summary>
internal sealed class DocumentScope(string source, ConfigFileKind? file, ICollection<ConfigProblem> problems)
{
    public string Source { get; } = source;

    public void Report(int? line, string path, string reason, string? remedy = null) =>
        problems.Add(new ConfigProblem(Source, line, path, reason, remedy, file));
}
