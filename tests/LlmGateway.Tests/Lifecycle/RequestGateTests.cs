using LlmGateway.Lifecycle;

namespace LlmGateway.Tests.Lifecycle;

public sealed class RequestGateTests
{
    private const string Loud = "loud";
    private const string Quiet = "quiet";

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
        var waiting = new[] { gate.WaitAsync(Loud, Cancellation).AsTask(), gate.WaitAsync(Loud, Cancellation).AsTask() };

        var refused = gate.WaitAsync(Loud, Cancellation);

        Assert.True(refused.IsCompletedSuccessfully);
        Assert.False(await refused);
        Assert.All(waiting, wait => Assert.False(wait.IsCompleted));
    }

    /// <param name="asked">Who asked, one after the other.</param>
    /// <param name="turns">Which of these are let in, one after the other.</param>
    [Theory]
    [InlineData(new[] { Loud, Loud }, new[] { 0, 1 })]
    [InlineData(new[] { Loud, Loud, Loud, Quiet }, new[] { 0, 3, 1, 2 })]
    public async Task Leave_CallersWait_TheyTakeTurnsEachInItsOrder(string[] asked, int[] turns)
    {
        var gate = Full(queue: asked.Length);
        var waiting = Array.ConvertAll(asked, caller => gate.WaitAsync(caller, Cancellation).AsTask());

        foreach (var turn in turns)
        {
            Assert.False(waiting[turn].IsCompleted);
            gate.Leave();
            Assert.True(await waiting[turn].WaitAsync(Limit, Cancellation));
        }

        Assert.Equal(1, gate.Running);
    }

    [Fact]
    public async Task WaitAsync_QueueFullOfOneCaller_AnotherTakesTheNewestPlace()
    {
        var gate = Full(queue: 2);
        var loud = Enumerable.Range(0, 2).Select(_ => gate.WaitAsync(Loud, Cancellation).AsTask()).ToArray();

        var quiet = gate.WaitAsync(Quiet, Cancellation).AsTask();

        Assert.False(await loud[1].WaitAsync(Limit, Cancellation));
        Assert.False(await gate.WaitAsync(Quiet, Cancellation));
        Assert.False(await gate.WaitAsync(Loud, Cancellation));
        gate.Leave();
        Assert.True(await loud[0].WaitAsync(Limit, Cancellation));
        gate.Leave();
        Assert.True(await quiet.WaitAsync(Limit, Cancellation));
        gate.Leave();
        Assert.Equal(0, gate.Running);
        Assert.True(gate.TryEnter());
    }

    [Fact]
    public void TryEnter_SomeWait_DoesNotOvertakeThem()
    {
        var gate = Full(queue: 1);
        _ = gate.WaitAsync(Loud, Cancellation).AsTask();

        Assert.False(gate.TryEnter());
    }

    [Fact]
    public async Task WaitAsync_TooLong_GivesUpAndFreesItsPlace()
    {
        var gate = Full(queue: 1);
        var waiting = gate.WaitAsync(Loud, Cancellation).AsTask();

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
        var waiting = gate.WaitAsync(Loud, client.Token).AsTask();

        await client.CancelAsync();

        Assert.False(await waiting.WaitAsync(Limit, Cancellation));
        var next = gate.WaitAsync(Loud, Cancellation).AsTask();
        gate.Leave();
        Assert.True(await next.WaitAsync(Limit, Cancellation));
    }

    [Fact]
    public async Task WhenIdleAsync_SomeInsideAndWaiting_WaitsForThemAll()
    {
        var gate = Full(queue: 1);
        var waiting = gate.WaitAsync(Loud, Cancellation).AsTask();

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
        var waiting = gate.WaitAsync(Loud, Cancellation).AsTask();

        gate.Disperse();

        Assert.False(await waiting.WaitAsync(Limit, Cancellation));
    }

    /// <summary>Eight threads, two places: never three inside, nobody left behind.</summary>
    [Fact]
    public async Task Many_at_once_never_exceed_the_limit_and_all_get_in()
    {
        var crowd = new Crowd(new RequestGate(2, 100, TimeProvider.System));

        await crowd.RunAsync(20_000, threads: 8, callers: 3, _ => Cancellation);

        Assert.InRange(crowd.Most, 1, 2);
        Assert.Equal(0, crowd.Refused);
        Assert.True(crowd.Waits > 0);
        await crowd.AssertEmptyAsync();
    }

    /// <summary>A queue too short for them, clients that leave at any moment, everybody sent away now and then: no place is lost, none is given twice.</summary>
    [Fact]
    public async Task Displaced_cancelled_and_dispersed_leave_no_place_behind()
    {
        var crowd = new Crowd(new RequestGate(2, 4, TimeProvider.System));
        using var gone = new CancellationTokenSource();
        using var leaving = new CancellationTokenSource();
        await gone.CancelAsync();

        await crowd.RunAsync(20_000, threads: 16, callers: 3, round => (round % 7) switch
        {
            0 => gone.Token,
            1 => leaving.Token,
            _ => Cancellation,
        }, disperseEvery: 101);
        await leaving.CancelAsync();

        Assert.InRange(crowd.Most, 1, 2);
        Assert.True(crowd.Refused > 0);
        await crowd.AssertEmptyAsync();
    }

    private RequestGate Full(int queue)
    {
        var gate = new RequestGate(1, queue, _time);
        Assert.True(gate.TryEnter());
        return gate;
    }

    /// <summary>Many threads that go through one gate and count who is inside.</summary>
    private sealed class Crowd(RequestGate gate)
    {
        private int _inside;
        private int _most;
        private int _waits;
        private int _refused;

        public int Most => _most;

        public int Waits => _waits;

        public int Refused => _refused;

        public Task RunAsync(int rounds, int threads, int callers, Func<int, CancellationToken> client, int disperseEvery = int.MaxValue) =>
            Parallel.ForAsync(0, rounds, new ParallelOptions { MaxDegreeOfParallelism = threads, CancellationToken = Cancellation }, async (round, _) =>
            {
                if (round % disperseEvery == disperseEvery - 1)
                {
                    gate.Disperse();
                }

                if (!gate.TryEnter())
                {
                    Interlocked.Increment(ref _waits);
                    if (!await gate.WaitAsync($"caller-{round % callers}", client(round)))
                    {
                        Interlocked.Increment(ref _refused);
                        return;
                    }
                }

                await StayAsync();
                gate.Leave();
            });

        /// <summary>Nobody inside, nobody waiting, and as many places as ever.</summary>
        public async Task AssertEmptyAsync()
        {
            await gate.WhenIdleAsync().WaitAsync(Limit, Cancellation);
            Assert.Equal((0, true, true, false), (gate.Running, gate.TryEnter(), gate.TryEnter(), gate.TryEnter()));
        }

        private async Task StayAsync()
        {
            var now = Interlocked.Increment(ref _inside);
            if (now > Volatile.Read(ref _most))
            {
                Volatile.Write(ref _most, now);
            }

            await Task.Yield();
            Interlocked.Decrement(ref _inside);
        }
    }
}
