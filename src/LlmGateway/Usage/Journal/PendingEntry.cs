namespace LlmGateway.Usage.Journal;

/// <summary>An entry on its way to the file.</summary>
/// <param name="bytes">Of the shared pool.</param>
/// <param name="length">How many of them.</param>
/// <param name="record">The record that it holds; null for a note of a call.</param>
internal sealed class PendingEntry(byte[] bytes, int length, RequestRecord? record)
{
    private static readonly object Written = new();

    private object? _signal;

    public byte[] Bytes { get; } = bytes;

    public int Length { get; } = length;

    public RequestRecord? Record { get; } = record;

    /// <summary>The entry that was added before this one.</summary>
    public PendingEntry? Next { get; set; }

    public ValueTask WaitAsync()
    {
        var source = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        return Interlocked.CompareExchange(ref _signal, source, null) is null ? new ValueTask(source.Task) : default;
    }

    public void Complete()
    {
        if (Interlocked.Exchange(ref _signal, Written) is TaskCompletionSource source)
        {
            source.SetResult();
        }
    }
}
