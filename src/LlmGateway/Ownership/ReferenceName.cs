namespace LlmGateway.Ownership;

/// <summary>By their names it is told which members, fields and parameters hold ids of objects.</summary>
internal static class ReferenceName
{
    /// <summary>Whole names, besides those that end like one.</summary>
    private static readonly string[] Names = ["ids", "conversation", "container", "thread", "file", "files"];

    private static readonly string[] Endings = ["_id", "_ids", "_file", "_files"];

    /// <summary>Places in a list; bodies have none.</summary>
    private static readonly string[] Cursors = ["id", "after", "before"];

    /// <summary>Calls of tools and lines of a batch have ids of their own, many of them, and are nobody's objects.</summary>
    private static readonly string[] Others = ["call_id", "tool_call_id", "custom_id"];

    /// <summary>Whether a member of that name holds ids.</summary>
    public static bool IsMember(string name) =>
        !IsIn(Others, name) && (IsIn(Names, name) || Array.Exists(Endings, ending => name.EndsWith(ending, StringComparison.OrdinalIgnoreCase)));

    /// <summary>Whether a field of a form or a parameter holds ids, be it a list or a member of one: <c>file_ids[]</c>, <c>container[file_ids][0]</c>.</summary>
    public static bool IsField(string name) => Array.Exists(name.Split('[', ']', '.'), static part => IsMember(part) || IsIn(Cursors, part));

    private static bool IsIn(string[] names, string name) => names.Contains(name, StringComparer.OrdinalIgnoreCase);
}
