namespace LlmGateway.Usage.Journal;

/// <summary>A process' name in the folder, its own or that of one that has died, held by a lock until it is disposed.</summary>
internal sealed class JournalOwner(string folder, string name, FileStream held) : IDisposable
{
    private int _segments;

    public string Name => name;

    public JournalSegment CreateSegment() => JournalSegment.Create(JournalFolder.SegmentPath(folder, name, _segments++));

    /// <summary>The files that a dead process left, oldest first.</summary>
    public IReadOnlyList<JournalSegment> OpenSegments() => [.. JournalFolder.SegmentPaths(folder, name).Select(JournalSegment.Open)];

    /// <summary>Gives the name up for good: nothing is left under it.</summary>
    public void Leave()
    {
        if (Directory.Exists(folder) && JournalFolder.SegmentPaths(folder, name).Length == 0)
        {
            File.Delete(JournalFolder.LockPath(folder, name));
        }

        held.Dispose();
    }

    /// <summary>Gives the name up; what is left under it is another's to take.</summary>
    public void Dispose() => held.Dispose();
}
