using System.Text;
using LlmGateway.Forwarding;

namespace LlmGateway.Tests.Forwarding;

public sealed class HeartbeatStreamTests : IDisposable
{
    private const string Ping = ": ping\n\n";
    private const string Event = "data: {\"a\":1}\n\n";

    private readonly FakeTime _time = new();
    private readonly PushedStream _source = new();
    private readonly HeartbeatStream _stream;
    private readonly ITestOutputHelper _output;

    public HeartbeatStreamTests(ITestOutputHelper output)
    {
        _output = output;
        _stream = new HeartbeatStream(_source, _source, _time);
    }

    private static TimeSpan Interval => HeartbeatStream.Interval;

    public void Dispose()
    {
        _stream.Dispose();
        _source.Dispose();
    }

    [Fact]
    public async Task Read_SilenceAfterAnEvent_GivesAPingEveryFifteenSeconds()
    {
        await PassAsync(Event);
        var reading = ReadAsync();

        _time.Advance(Interval - TimeSpan.FromMilliseconds(1));
        Assert.False(reading.IsCompleted);
        _time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal(Ping, await reading);

        reading = ReadAsync();
        _time.Advance(Interval - TimeSpan.FromMilliseconds(1));
        Assert.False(reading.IsCompleted);
        _time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal(Ping, await reading);
        Assert.False(_source.WasMisused);
    }

    // The client sees no byte before the first token.
    [Fact]
    public async Task Read_NothingHasPassedYet_GivesNoPing()
    {
        var reading = ReadAsync();

        _time.Advance(Interval * 3);
        Assert.False(reading.IsCompleted);

        _source.Push(Event);
        Assert.Equal(Event, await reading);
    }

    [Theory]
    [InlineData("data: half")]
    [InlineData("data: a line\n")]
    [InlineData("data: a line\r\n")]
    [InlineData("data: another\r\n\r")]
    public async Task Read_InTheMiddleOfAnEvent_GivesNoPing(string half)
    {
        await PassAsync(Event);
        await PassAsync(half);
        var reading = ReadAsync();

        _time.Advance(Interval * 3);
        Assert.False(reading.IsCompleted);

        _source.Push("\n\n");
        Assert.Equal("\n\n", await reading);
        reading = ReadAsync();
        _time.Advance(Interval);
        Assert.Equal(Ping, await reading);
    }

    [Theory]
    [InlineData("\n\n")]
    [InlineData("\r\n\r\n")]
    [InlineData("\r\r")]
    public async Task Read_AnyEmptyLine_IsTheEndOfAnEvent(string end)
    {
        await PassAsync("data: x");
        foreach (var one in end)
        {
            await PassAsync(one.ToString());
        }

        var reading = ReadAsync();
        _time.Advance(Interval);

        Assert.Equal(Ping, await reading);
    }

    [Fact]
    public async Task Read_TokensKeepComing_GivesNothingElse()
    {
        for (var i = 0; i < 10; i++)
        {
            var reading = ReadAsync();
            _time.Advance(Interval - TimeSpan.FromSeconds(1));
            _source.Push(Event);
            Assert.Equal(Event, await reading);
        }
    }

    [Fact]
    public async Task Read_ReaderIsBusy_SilenceCountsFromItsReturn()
    {
        await PassAsync(Event);
        var reading = ReadAsync();
        _source.Push(Event);
        await reading;

        _time.Advance(Interval * 3);
        reading = ReadAsync();
        Assert.False(reading.IsCompleted);
        _time.Advance(Interval - TimeSpan.FromMilliseconds(1));
        Assert.False(reading.IsCompleted);
        _time.Advance(TimeSpan.FromMilliseconds(1));

        Assert.Equal(Ping, await reading);
    }

    [Fact]
    public async Task Read_AnswerComesWhileThePingIsWritten_ReachesTheReaderOnce()
    {
        await PassAsync(Event);
        var reading = ReadAsync();
        _time.Advance(Interval);
        Assert.Equal(Ping, await reading);

        _source.Push("data: late\n\n");
        _source.End();

        Assert.Equal("data: late\n\n", await ReadAsync());
        Assert.Equal("", await ReadAsync());
        Assert.False(_source.WasMisused);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Read_SourceFailsAfterAPing_ThrowsOnce(bool whileThePingIsWritten)
    {
        await PassAsync(Event);
        var reading = ReadAsync();
        _time.Advance(Interval);
        await reading;

        if (whileThePingIsWritten)
        {
            _source.Fail(new IOException("cut"));
            reading = ReadAsync();
        }
        else
        {
            reading = ReadAsync();
            _source.Fail(new IOException("cut"));
        }

        Assert.Equal("cut", (await Assert.ThrowsAsync<IOException>(() => reading)).Message);
        _stream.Dispose();
        Assert.True(_source.IsDisposed);
        Assert.True(_stream.SourceDisposed.IsCompleted);
    }

    // The source keeps its own clock: it ends a silent provider whether or not the client has been kept awake.
    [Fact]
    public async Task Read_SourceEndsInSilence_PingsDoNotHoldItUp()
    {
        const string Error = "data: {\"error\":{}}\n\n";
        await PassAsync(Event);
        using var idleLimit = _time.CreateTimer(_ => _source.Push(Error), null, TimeSpan.FromSeconds(40), Timeout.InfiniteTimeSpan);
        var text = new StringBuilder();
        for (var i = 0; i < 2; i++)
        {
            var ping = ReadAsync();
            _time.Advance(Interval);
            text.Append(await ping);
        }

        var last = ReadAsync();
        _time.Advance(TimeSpan.FromSeconds(10));
        text.Append(await last);

        Assert.Equal(Ping + Ping + Error, text.ToString());
    }

    [Fact]
    public async Task Read_CancelledAfterAPing_EndsTheSourcesRead()
    {
        using var client = new CancellationTokenSource();
        await PassAsync(Event);
        var reading = ReadForAsync(client.Token);
        _time.Advance(Interval);
        await reading;
        reading = ReadForAsync(client.Token);

        client.Cancel();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading);
        Assert.False(_source.IsBeingRead);
        _stream.Dispose();
        Assert.True(_source.IsDisposed);
        Assert.False(_source.WasMisused);
    }

    [Fact]
    public async Task Dispose_WhileTheSourceIsRead_WaitsForTheReadToEnd()
    {
        using var client = new CancellationTokenSource();
        await PassAsync(Event);
        var reading = ReadForAsync(client.Token);
        _time.Advance(Interval);
        await reading;

        _stream.Dispose();
        Assert.False(_source.IsDisposed);
        Assert.False(_stream.SourceDisposed.IsCompleted);
        client.Cancel();

        await _stream.SourceDisposed;
        Assert.True(_source.IsDisposed);
        Assert.False(_source.WasMisused);
        _stream.Dispose();
        _time.Advance(Interval * 2);
    }

    [Fact]
    public async Task Dispose_AfterTheOvertakenReadHasEnded_DisposesAtOnce()
    {
        await PassAsync(Event);
        var reading = ReadAsync();
        _time.Advance(Interval);
        await reading;
        _source.Push(Event);

        _stream.Dispose();

        Assert.True(_source.IsDisposed);
        Assert.False(_source.WasMisused);
    }

    [Fact]
    public async Task Read_SmallBufferWithoutAWait_GetsEveryByteInOrder()
    {
        await PassAsync(Event);
        var waiting = _stream.ReadAsync(Memory<byte>.Empty, TestContext.Current.CancellationToken).AsTask();
        _time.Advance(Interval);
        await waiting;
        var text = new StringBuilder();
        for (var i = 0; i < Ping.Length; i++)
        {
            text.Append(await ReadOnceAsync(1));
        }

        var behind = ReadOnceAsync(100);
        Assert.False(behind.IsCompleted);
        _source.Push(Event);

        Assert.Equal(Ping + Event, text + await behind);
        Assert.False(_source.WasMisused);
    }

    [Fact]
    public async Task Read_WaitForAToken_AllocatesNothing()
    {
        const int Tokens = 1000;
        using var source = new SilentStream();
        await using var stream = new HeartbeatStream(source, source, TimeProvider.System);
        await WaitAsync();
        var before = GC.GetAllocatedBytesForCurrentThread();

        for (var i = 0; i < Tokens; i++)
        {
            var wait = stream.ReadAsync(Memory<byte>.Empty, CancellationToken.None);
            source.Arrive();
            await wait;
        }

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, Tokens);

        async Task WaitAsync()
        {
            var wait = stream.ReadAsync(Memory<byte>.Empty, CancellationToken.None);
            source.Arrive();
            await wait;
        }
    }

    [Fact]
    public void Read_SilentSource_CostsAFewHundredBytes()
    {
        const int Streams = 200;
        var sources = Enumerable.Range(0, Streams).Select(_ => new SilentStream()).ToArray();
        var streams = new HeartbeatStream[Streams];
        long before = 0;
        for (var i = 0; i < Streams; i++)
        {
            if (i == Streams / 2)
            {
                before = GC.GetAllocatedBytesForCurrentThread();
            }

            streams[i] = new HeartbeatStream(sources[i], sources[i], TimeProvider.System);
            _ = streams[i].ReadAsync(Memory<byte>.Empty, CancellationToken.None).AsTask();
        }

        var each = (GC.GetAllocatedBytesForCurrentThread() - before) / (Streams / 2);
        _output.WriteLine($"{each} bytes for each");
        Array.ForEach(sources, source => source.Arrive());
        Array.ForEach(streams, stream => stream.Dispose());
        Assert.InRange(each, 1, 700);
    }

    // Arrival, reader and clock meet on several threads; whatever their order, every byte comes once and nothing hangs.
    [Fact]
    public async Task Read_ClockAndSourceRace_EveryEventComesOnce()
    {
        const int Events = 20_000;
        var random = new Random(7);
        await PassAsync("data: first\n\n");
        var clock = Task.Factory.StartNew(
            () =>
            {
                while (!_source.IsDisposed)
                {
                    _time.Advance(Interval);
                }
            },
            TestContext.Current.CancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        Assert.Equal(Ping, await ReadAsync());
        var provider = Task.Factory.StartNew(
            () =>
            {
                for (var i = 0; i < Events; i++)
                {
                    _source.Push($"data: {i}\n\n");
                    Thread.SpinWait(random.Next(200));
                }

                _source.End();
            },
            TestContext.Current.CancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default);

        var text = new StringBuilder();
        while (await ReadAsync() is { Length: > 0 } piece)
        {
            text.Append(piece);
        }

        _stream.Dispose();
        await Task.WhenAll(clock, provider);
        Assert.Equal(string.Concat(Enumerable.Range(0, Events).Select(i => $"data: {i}\n\n")), text.Replace(Ping, "").ToString());
        Assert.False(_source.WasMisused);
    }

    private async Task PassAsync(string text)
    {
        _source.Push(text);
        Assert.Equal(text, await ReadAsync());
    }

    /// <summary>As YARP reads: waits without a buffer, then reads.</summary>
    private Task<string> ReadAsync() => ReadForAsync(TestContext.Current.CancellationToken);

    private async Task<string> ReadForAsync(CancellationToken cancellationToken)
    {
        _ = await _stream.ReadAsync(Memory<byte>.Empty, cancellationToken);
        var buffer = new byte[1024];
        return Encoding.UTF8.GetString(buffer, 0, await _stream.ReadAsync(buffer, cancellationToken));
    }

    private async Task<string> ReadOnceAsync(int size)
    {
        var buffer = new byte[size];
        return Encoding.UTF8.GetString(buffer, 0, await _stream.ReadAsync(buffer, TestContext.Current.CancellationToken));
    }
}
