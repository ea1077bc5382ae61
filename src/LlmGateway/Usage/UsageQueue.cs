using System.Threading.Channels;

namespace LlmGateway.Usage;

/// <summary>Records on their way to the ledger: bounded, so that a database that is away costs memory up to here and then records, never requests.</summary>
internal sealed class UsageQueue
{
    /// <summary>About 40 MB of records: ten seconds at 5,000 requests a second, the better part of an hour at 15.</summary>
    public const int DefaultCapacity = 50_000;

    private readonly Channel<RequestRecord> _records;
    private long _refused;

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

    /// <summary>Records that found it full or closed, and are lost.</summary>
    public long Refused => Interlocked.Read(ref _refused);

    /// <summary>Never waits; false when it is full or closed.</summary>
    public bool TryAdd(RequestRecord record)
    {
        if (_records.Writer.TryWrite(record))
        {
            return true;
        }

        Interlocked.Increment(ref _refused);
        return false;
    }

    public void Close() => _records.Writer.TryComplete();
}
