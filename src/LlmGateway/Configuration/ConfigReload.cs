namespace LlmGateway.Configuration;

/// <summary>One file was judged after a change.</summary>
/// <param name="File">The file's label, see <see cref="ConfigFileLocation.Label"/>.</param>
/// <param name="IsAccepted">Whether it is in force now; if not, its last good content stays.</param>
public sealed record ConfigReload(string File, bool IsAccepted)
{
    /// <summary>The value of the metric label <c>result</c>.</summary>
    public string Outcome => IsAccepted ? "accepted" : "rejected";
}
