namespace LlmGateway.FunctionalTests.Infrastructure;

/// <summary>The real clock, except for the date: timers and time stamps go on as ever.</summary>
internal sealed class ShiftedTime : TimeProvider
{
    private long _shift;

    /// <summary>From now on it is that late.</summary>
    public void MoveTo(DateTimeOffset now) => Interlocked.Exchange(ref _shift, (now - System.GetUtcNow()).Ticks);

    public override DateTimeOffset GetUtcNow() => System.GetUtcNow() + TimeSpan.FromTicks(Interlocked.Read(ref _shift));
}
