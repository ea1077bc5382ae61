namespace LlmGateway.Usage.Journal;

/// <summary>What an entry of the journal tells. A changed form gets a new number: older ones are still read after an update.</summary>
internal enum EntryKind : byte
{
    /// <summary>A provider call is about to be made.</summary>
    Dispatched = 1,

    /// <summary>A request has ended: its record, attempts and all.</summary>
    Ended = 2,
}
