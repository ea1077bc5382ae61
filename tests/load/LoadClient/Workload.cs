using System.Text;

namespace LoadClient;

/// <summary>One kind of load, bounded in count and in time.</summary>
/// <param name="Name">Short name for the report.</param>
/// <param name="Connections">Requests at once.</param>
/// <param name="MaxRequests">No more than these, however fast.</param>
/// <param name="Chunks">Chunks of each stream; zero: a plain answer.</param>
/// <param name="ChunkDelayMs">Pause between two chunks.</param>
/// <param name="PaddingBytes">Length of the user's message.</param>
internal sealed record Workload(string Name, int Connections, int MaxRequests, int Chunks = 0, int ChunkDelayMs = 0, int PaddingBytes = 150)
{
    public static readonly Workload Plain = new("plain, 32 at once", 32, 200_000);
    public static readonly Workload Large = new("64 KB request, 16 at once", 16, 100_000, PaddingBytes: 64_000);
    public static readonly Workload Streams = new("64 streams of 100 chunks", 64, 20_000, Chunks: 100);
    public static readonly Workload Single = new("one at a time", 1, 50_000);
    public static readonly Workload Paced = new("500 paced streams", 500, 500, Chunks: 50, ChunkDelayMs: 20);

    public bool IsStreaming => Chunks > 0;

    /// <summary>Paced streams run once to their end; the others until the time is up.</summary>
    public bool RunsOnce => ChunkDelayMs > 0;

    public byte[] Body { get; } = Encoding.UTF8.GetBytes(
        $$"""{"model":"{{(Chunks > 0 ? $"load-c{Chunks}-d{ChunkDelayMs}" : "load-plain")}}","messages":[{"role":"system","content":"You are a helpful assistant."},{"role":"user","content":"{{new string('x', PaddingBytes)}}"}],{{(Chunks > 0 ? "\"stream\":true," : "")}}"max_tokens":200}""");
}
