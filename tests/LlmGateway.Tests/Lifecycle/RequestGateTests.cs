using LlmGateway.Lifecycle;

namespace LlmGateway.Tests.Lifecycle;

public sealed class RequestGateTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    private readonly FakeTime _time = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public void TryEnter_Full_LetsNobodyIn()
    {
        var gate = new RequestGate(2, 1, _time);

        bool[] entered = [gate.TryEnter(), gate.TryEnter(), gate.TryEnter()];
        gate.Leave();

        Assert.Equal([true, true, false], entered);
        Assert.True(gate.TryEnter());
        Assert.Equal(2, gate.Running);
    }

    [Fact]
    public async Task WaitAsync_QueueFull_RefusesAtOnce()
    {
        var gate = Full(queue: 2);
        var waiting = new[] { gate.WaitAsync(Cancellation).AsTask(), gate.WaitAsync(Cancellation).AsTask() };

        var refused = gate.WaitAsync(Cancellation);

        Assert.True(refused.IsCompletedSuccessfully);
        Assert.False(await refused);
        Assert.All(waiting, wait => Assert.False(wait.IsCompleted));
    }

    [Fact]
    public async Task Leave_SomeWait_LetsThemInInTheirOrder()
    {
        var gate = Full(queue: 2);
        var first = gate.WaitAsync(Cancellation).AsTask();
        var second = gate.WaitAsync(Cancellation).AsTask();

        gate.Leave();

        Assert.True(await first.WaitAsync(Limit, Cancellation));
        Assert.False(second.IsCompleted);
        gate.Leave();
        Assert.True(await second.WaitAsync(Limit, Cancellation));
        Assert.Equal(1, gate.Running);
    }

    [Fact]
    public void TryEnter_SomeWait_DoesNotOvertakeThem()
    {
        var gate = Full(queue: 1);
        _ = gate.WaitAsync(Cancellation).AsTask();

        Assert.False(gate.TryEnter());
    }

    [Fact]
    public async Task WaitAsync_TooLong_GivesUpAndFreesItsPlace()
    {
        var gate = Full(queue: 1);
        var waiting = gate.WaitAsync(Cancellation).AsTask();

        _time.Advance(RequestGate.LongestWait);

        Assert.False(await waiting.WaitAsync(Limit, Cancellation));
        gate.Leave();
        Assert.True(gate.TryEnter());
    }

    [Fact]
    public async Task WaitAsync_ClientGone_FreesItsPlace()
    {
        using var client = new CancellationTokenSource();
        var gate = Full(queue: 1);
        var waiting = gate.WaitAsync(client.Token).AsTask();

        await client.CancelAsync();

        Assert.False(await waiting.WaitAsync(Limit, Cancellation));
        var next = gate.WaitAsync(Cancellation).AsTask();
        gate.Leave();
        Assert.True(await next.WaitAsync(Limit, Cancellation));
    }

    [Fact]
    public async Task WhenIdleAsync_SomeInsideAndWaiting_WaitsForThemAll()
    {
        var gate = Full(queue: 1);
        var waiting = gate.WaitAsync(Cancellation).AsTask();

        var idle = gate.WhenIdleAsync();
        gate.Leave();

        Assert.True(await waiting.WaitAsync(Limit, Cancellation));
        Assert.False(idle.IsCompleted);
        gate.Leave();
        await idle.WaitAsync(Limit, Cancellation);
    }

    [Fact]
    public async Task WhenIdleAsync_NobodyInside_IsComplete() => await new RequestGate(1, 1, _time).WhenIdleAsync().WaitAsync(Limit, Cancellation);

    [Fact]
    public async Task Disperse_SomeWait_SendsThemAway()
    {
        var gate = Full(queue: 1);
        var waiting = gate.WaitAsync(Cancellation).AsTask();

        gate.Disperse();

        Assert.False(await waiting.WaitAsync(Limit, Cancellation));
    }

    /// <summary>Eight callers, two places: never three inside, nobody left behind.</summary>
    [Fact]
    public async Task Many_at_once_never_exceed_the_limit_and_all_get_in()
    {
        const int Rounds = 20_000;
        var gate = new RequestGate(2, 100, TimeProvider.System);
        var (inside, most, waits) = (0, 0, 0);

        await Parallel.ForAsync(0, Rounds, new ParallelOptions { MaxDegreeOfParallelism = 8, CancellationToken = Cancellation }, async (_, cancellation) =>
        {
            if (!gate.TryEnter())
            {
                Interlocked.Increment(ref waits);
                Assert.True(await gate.WaitAsync(cancellation));
            }

            var now = Interlocked.Increment(ref inside);
            if (now > Volatile.Read(ref most))
            {
                Volatile.Write(ref most, now);
            }

            await Task.Yield();
            Interlocked.Decrement(ref inside);
            gate.Leave();
        });

        Assert.InRange(most, 1, 2);
        Assert.True(waits > 0);
        Assert.Equal(0, gate.Running);
    }

    private RequestGate Full(int queue)
    {
        var gate = new RequestGate(1, queue, _time);
        Assert.True(gate.TryEnter());
        return gate;
    }
}
