namespace LlmGateway.Sessions;

/// <summary>How much a session remembers, and for how long.</summary>
internal static class SessionLimits
{
    /// <summary>The last messages that are kept.</summary>
    public const int Messages = 20;

    /// <summary>A session lives so long after its last use.</summary>
    public static TimeSpan Lifetime { get; } = TimeSpan.FromHours(1);

    /// <summary>The last <see cref="Messages"/> entries; a tool's result whose call would be cut off goes with it.</summary>
    public static SessionEntry[] Trim(ReadOnlySpan<SessionEntry> entries)
    {
        var first = Math.Max(0, entries.Length - Messages);
        while (first < entries.Length && entries[first].Kind == SessionEntryKind.ToolResult)
        {
            first++;
        }

        return entries[first..].ToArray();
    }

    /// <summary>What may stand before a user's next message: a call whose results never came is left out, because providers refuse it.</summary>
    public static IReadOnlyList<SessionEntry> WithoutOpenCalls(IReadOnlyList<SessionEntry> entries) =>
        [.. entries.Where((entry, index) => !entry.CallsTools || (index + 1 < entries.Count && entries[index + 1].Kind == SessionEntryKind.ToolResult))];
}
