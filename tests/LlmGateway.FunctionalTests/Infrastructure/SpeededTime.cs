namespace LlmGateway.FunctionalTests.Infrastructure;

/// <summary>A clock that runs several times as fast as the real one, timers and all: what takes a gateway minutes takes a test seconds. Below 1 it runs slower, and a gateway is patient.</summary>
internal sealed class SpeededTime(double speed) : TimeProvider
{
    private readonly long _start = System.GetTimestamp();
    private readonly DateTimeOffset _startTime = System.GetUtcNow();

    public override long GetTimestamp() => _start + (long)((System.GetTimestamp() - _start) * speed);

    public override DateTimeOffset GetUtcNow() => _startTime + GetElapsedTime(_start);

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        new SpeededTimer(System.CreateTimer(callback, state, Scale(dueTime, speed), Scale(period, speed)), speed);

    private static TimeSpan Scale(TimeSpan time, double speed) =>
        time == Timeout.InfiniteTimeSpan ? time : TimeSpan.FromMilliseconds(Math.Ceiling(time.TotalMilliseconds / speed));

    private sealed class SpeededTimer(ITimer timer, double speed) : ITimer
    {
        public bool Change(TimeSpan dueTime, TimeSpan period) => timer.Change(Scale(dueTime, speed), Scale(period, speed));

        public void Dispose() => timer.Dispose();

        public ValueTask DisposeAsync() => timer.DisposeAsync();
    }
}
