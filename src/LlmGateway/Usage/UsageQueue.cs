using System.Threading.Channels;

namespace LlmGateway.Usage;

/// <summary>Records that the disk did not take, on their way to the ledger: bounded, so that it costs memory up to here and then records, never requests.</summary>
internal sealed class UsageQueue
{
    /// <summary>About 15 MB of records.</summary>
    public const int DefaultCapacity = 20_000;

    private readonly Channel<RequestRecord> _records;

    public UsageQueue(int capacity = DefaultCapacity)
    {
        _records = Channel.CreateBounded<RequestRecord>(new BoundedChannelOptions(capacity)
        {
            SingleReader = true,
            FullMode = BoundedChannelFullMode.Wait,
            AllowSynchronousContinuations = false,
        });
    }

    public ChannelReader<RequestRecord> Reader => _records.Reader;

    /// <summary>Never waits; false when it is full.</summary>
    public bool TryAdd(RequestRecord record) => _records.Writer.TryWrite(record);
}
