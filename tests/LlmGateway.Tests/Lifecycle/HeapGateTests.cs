using LlmGateway.Lifecycle;

namespace LlmGateway.Tests.Lifecycle;

public sealed class HeapGateTests
{
    private const long Limit = 1000;

    private readonly FakeTime _time = new();
    private long _live = 100;
    private long _garbage;
    private int _collections;
    private int _measurements;

    private HeapGate Create(long? limit = Limit) => new(
        limit,
        _time,
        () =>
        {
            _measurements++;
            return _live + _garbage;
        },
        () =>
        {
            _collections++;
            _garbage = 0;
        });

    [Fact]
    public void HasRoom_BelowTheMark_MeasuresOnceForAll()
    {
        var heap = Create();

        Assert.All(Enumerable.Range(0, 100), _ => Assert.True(heap.HasRoom));
        Assert.Equal((1, 0), (_measurements, _collections));
    }

    [Fact]
    public void HasRoom_AboveTheMark_RefusesUntilThereIsRoomAgain()
    {
        var heap = Create();
        Assert.True(heap.HasRoom);
        _live = 851;
        Assert.True(heap.HasRoom);

        _time.Advance(HeapGate.Freshness);
        Assert.False(heap.HasRoom);
        _live = 850;
        Assert.False(heap.HasRoom);
        _time.Advance(HeapGate.Freshness);

        Assert.True(heap.HasRoom);
    }

    [Fact]
    public void HasRoom_GarbageAlone_IsCollectedAndRefusesNobody()
    {
        var heap = Create();
        _garbage = 890;

        Assert.True(heap.HasRoom);
        Assert.Equal(1, _collections);
    }

    [Fact]
    public void HasRoom_FullOfWhatIsAlive_CollectsAtABoundedRate()
    {
        var heap = Create();
        _live = 900;
        for (var i = 0; i < 40; i++)
        {
            Assert.False(heap.HasRoom);
            _time.Advance(HeapGate.Freshness);
        }

        Assert.Equal(20, _collections);
    }

    [Fact]
    public void TryTake_WorthCollectingAgain_DoesNotWait()
    {
        var heap = Create();
        for (var i = 0; i < 3; i++)
        {
            _garbage = 700;
            _time.Advance(HeapGate.Freshness);
            Assert.True(heap.TryTake(200));
            heap.Return(200);
            Assert.Equal(i + 1, _collections);
        }

        _garbage = 60;
        _time.Advance(HeapGate.Freshness);
        Assert.False(heap.TryTake(700));
        Assert.Equal(3, _collections);
    }

    [Fact]
    public void TryTake_BodiesHaveEndedSinceTheCollection_CollectsThemAtOnce()
    {
        var heap = Create();
        using (var claim = new BodyClaim(heap))
        {
            Assert.True(claim.TryTake(240));
            claim.NoteRead(240);
            _live = 840;
            _time.Advance(HeapGate.Freshness);
            Assert.False(heap.TryTake(20));
        }

        (_live, _garbage) = (100, 740);

        Assert.True(heap.TryTake(20));
        Assert.Equal(2, _collections);
    }

    [Fact]
    public void TryTake_TakesNoMoreThanThereIsRoomFor()
    {
        var heap = Create();

        Assert.True(heap.TryTake(400));
        Assert.True(heap.TryTake(350));
        Assert.False(heap.TryTake(1));
        Assert.Equal(750, heap.Claimed);
        heap.Return(400);

        Assert.True(heap.TryTake(400));
    }

    [Fact]
    public async Task TryTake_ManyAtOnce_NeverTakesTooMuch()
    {
        var heap = new HeapGate(Limit, TimeProvider.System, static () => 100, static () => { });
        var (taken, most) = (0L, 0L);

        await Parallel.ForAsync(0, 20_000, TestContext.Current.CancellationToken, (_, _) =>
        {
            if (heap.TryTake(100))
            {
                var now = Interlocked.Add(ref taken, 100);
                InterlockedMax(ref most, now);
                Interlocked.Add(ref taken, -100);
                heap.Return(100);
            }

            return ValueTask.CompletedTask;
        });

        Assert.InRange(most, 100, 750);
        Assert.Equal(0, heap.Claimed);
    }

    [Fact]
    public void NoLimit_RefusesNothingAndMeasuresNothing()
    {
        var heap = Create(limit: null);
        _live = long.MaxValue / 2;

        Assert.True(heap.HasRoom && heap.TryTake(long.MaxValue / 2));
        Assert.Equal((0, 0), (_measurements, _collections));
    }

    [Fact]
    public void Claim_TakesThriceWhileRead_OnceAfterwards_NothingInTheEnd()
    {
        var heap = Create();
        using (var claim = new BodyClaim(heap))
        {
            Assert.True(claim.TryTake(200));
            Assert.Equal(600, heap.Claimed);

            claim.NoteRead(120);
            Assert.Equal(120, heap.Claimed);
        }

        Assert.Equal(0, heap.Claimed);
    }

    [Fact]
    public void Claim_GivenUpWhileRead_GivesAllBack()
    {
        var heap = Create();
        using (var claim = new BodyClaim(heap))
        {
            Assert.True(claim.TryTake(200));
        }

        Assert.Equal(0, heap.Claimed);
    }

    [Fact]
    public void Claim_Refused_TakesNothing()
    {
        var heap = Create();
        using var claim = new BodyClaim(heap);

        Assert.False(claim.TryTake(251));
        Assert.Equal(0, heap.Claimed);
    }

    private static void InterlockedMax(ref long target, long value)
    {
        var seen = Volatile.Read(ref target);
        while (value > seen && Interlocked.CompareExchange(ref target, value, seen) is var other && other != seen)
        {
            seen = other;
        }
    }
}
