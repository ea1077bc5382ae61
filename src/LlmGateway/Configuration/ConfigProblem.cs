namespace LlmGateway.Configuration;

/// <summary>One thing that is wrong with the configuration: where, why, and what to do. It never holds a secret.</summary>
/// <param name="Source">The file, or the place of a setting.</param>
/// <param name="Line">Line in the file, counted from one; null where none can be named.</param>
/// <param name="Member">Path of the member, or name of the variable.</param>
/// <param name="Reason">What is wrong, and what is allowed.</param>
/// <param name="Remedy">What to do about it, if the reason does not say it.</param>
/// <param name="File">Which of the three files it is about; null for settings.</param>
public sealed record ConfigProblem(
    string Source,
    int? Line,
    string Member,
    string Reason,
    string? Remedy = null,
    ConfigFileKind? File = null)
{
    /// <summary>Whether it is a whole file's, of which nothing can be used then.</summary>
    public bool IsOfWholeFile => File is not null && Member.Length == 0;

    public override string ToString()
    {
        var place = Line is { } line ? $"{Source}:{line}" : Source;
        var member = Member.Length == 0 ? "" : $" {Member}:";
        var remedy = Remedy is null ? "" : $" {Remedy}";
        return $"{place}:{member} {Reason}.{remedy}";
    }
}
