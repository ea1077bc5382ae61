namespace LlmGateway.FunctionalTests.Infrastructure;

/// <summary>What the scripted provider gave out for one request: what a real one would bill.</summary>
internal sealed class ProviderTally
{
    private long _bytes;
    private int _events;

    /// <summary>Bytes written to the socket, head and framing included.</summary>
    public long BytesSent => Interlocked.Read(ref _bytes);

    /// <summary>Events or lines sent whole.</summary>
    public int EventsSent => Volatile.Read(ref _events);

    /// <summary>Whether a write failed because the gateway had gone.</summary>
    public bool WasCutByPeer { get; set; }

    internal void CountBytes(int count) => Interlocked.Add(ref _bytes, count);

    internal void CountEvent() => Interlocked.Increment(ref _events);
}
