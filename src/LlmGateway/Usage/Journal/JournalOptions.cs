namespace LlmGateway.Usage.Journal;

/// <summary>Bounds of the journal.</summary>
internal sealed record JournalOptions
{
    /// <summary>Where its files are: <c>journal</c> beside the SQLite file, or below the working directory's <c>data</c>.</summary>
    public required string Folder { get; init; }

    /// <summary>Most bytes on disk: what an outage of the database may cost. A request takes about half a kilobyte.</summary>
    public long MostBytes { get; init; } = 512L * 1024 * 1024;

    /// <summary>A file that has grown to this is followed by a new one; whole files are deleted once their records are in the database.</summary>
    public int SegmentBytes { get; init; } = 8 * 1024 * 1024;

    /// <summary>
    /// A record that comes this soon after a write goes with the next one, or when the writer of the ledger asks for it, within ten milliseconds. A
    /// process killed in that moment leaves the note of the call, which becomes an interrupted record. Zero: every record is written at once.
    /// </summary>
    public TimeSpan HoldRecords { get; init; } = TimeSpan.FromMilliseconds(1);

    /// <summary>How often journals of processes that have died are looked for.</summary>
    public TimeSpan AdoptEvery { get; init; } = TimeSpan.FromSeconds(30);
}
