namespace LlmGateway.Telemetry;

/// <summary>One whole number that threads add to or set.</summary>
internal sealed class NumberSeries
{
    private long _value;

    public long Value => Interlocked.Read(ref _value);

    public void Add(long value) => Interlocked.Add(ref _value, value);

    public void Set(long value) => Interlocked.Exchange(ref _value, value);
}
