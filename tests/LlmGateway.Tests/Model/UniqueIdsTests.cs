using LlmGateway.Model;

namespace LlmGateway.Tests.Model;

public sealed class UniqueIdsTests
{
    [Fact]
    public void NewVersion7_SortsByTimeAndSaysItsVersion()
    {
        var early = UniqueIds.NewVersion7(DateTimeOffset.FromUnixTimeMilliseconds(1_800_000_000_000));
        var late = UniqueIds.NewVersion7(DateTimeOffset.FromUnixTimeMilliseconds(1_800_000_000_001));

        Assert.True(string.CompareOrdinal(early.ToString("N"), late.ToString("N")) < 0);
        Assert.Equal((7, 8), (early.Version, early.Variant & 0xC));
    }

    [Fact]
    public void NewVersion4_SaysItsVersion() => Assert.Equal((4, 8), (UniqueIds.NewVersion4().Version, UniqueIds.NewVersion4().Variant & 0xC));

    [Fact]
    public void Ids_OfManyThreads_AreUnique()
    {
        var now = DateTimeOffset.UnixEpoch;
        var ids = Enumerable.Range(0, 100_000).AsParallel().Select(number => number % 2 == 0 ? UniqueIds.NewVersion7(now) : UniqueIds.NewVersion4()).ToHashSet();

        Assert.Equal(100_000, ids.Count);
    }
}
