using LlmGateway.Lifecycle;

namespace LlmGateway.Tests.Lifecycle;

public sealed class FairQueueTests
{
    [Fact]
    public void TakeNext_Lanes_TakeTurnsAndKeepTheirOwnOrder()
    {
        var queue = new FairQueue(10);
        var places = Fill(queue, "aaabbc");

        Assert.Equal(["a0", "b0", "c0", "a1", "b1", "a2"], Enumerable.Range(0, 6).Select(_ => NameOf(queue.TakeNext()!, places)));
        Assert.Null(queue.TakeNext());
    }

    /// <summary>Who comes back right after his turn does not get two of them.</summary>
    [Fact]
    public void TakeNext_LaneThatComesBack_StandsBehindTheOthers()
    {
        var queue = new FairQueue(10);
        var places = Fill(queue, "aabb");

        Assert.Equal("a0", NameOf(queue.TakeNext()!, places));
        Assert.Equal("b0", NameOf(queue.TakeNext()!, places));
        queue.Remove(places["a1"]);
        places["a2"] = queue.Add("a", out _)!;

        Assert.Equal("b1", NameOf(queue.TakeNext()!, places));
        Assert.Equal("a2", NameOf(queue.TakeNext()!, places));
    }

    [Theory]
    [InlineData("", "a", "refused")]
    [InlineData("aaa", "a", "refused")]
    [InlineData("aaa", "b", "a2")]
    [InlineData("aab", "b", "refused")]
    [InlineData("aaaab", "b", "a3")]
    [InlineData("aaabbbb", "c", "b3")]
    [InlineData("aabbcc", "c", "refused")]
    [InlineData("ab", "c", "refused")]
    public void Add_Full_TheLongestLaneGivesItsNewestToAShorterOne(string waiting, string newcomer, string displaced)
    {
        var queue = new FairQueue(waiting.Length);
        var places = Fill(queue, waiting);

        var place = queue.Add(newcomer, out var gone);

        Assert.Equal(displaced, place is null ? "refused" : NameOf(gone!, places));
        Assert.Equal(waiting.Length, queue.Count);
        Assert.Equal(place is null, gone is null);
    }

    /// <summary>However many one sends, each of the others keeps its even share of the places.</summary>
    [Fact]
    public void Add_OneFloods_EachGetsItsShare()
    {
        var queue = new FairQueue(9);
        Fill(queue, new string('a', 9));

        var others = Enumerable.Range(0, 3).SelectMany(_ => (string[])["b", "c"]).Select(caller =>
        {
            var place = queue.Add(caller, out var displaced);
            queue.Add("a", out var wrong);
            return place is not null && displaced?.Lane.Name == "a" && wrong is null;
        }).ToList();

        Assert.All(others, Assert.True);
        Assert.Null(queue.Add("b", out _));
        Assert.Equal((9, 3), (queue.Count, queue.Lanes));
    }

    [Fact]
    public void Remove_LastOfItsLane_LeavesNoLane()
    {
        var queue = new FairQueue(10);
        var places = Fill(queue, "ab");

        queue.Remove(places["a0"]);
        Assert.Equal((1, 1), (queue.Count, queue.Lanes));
        Assert.Equal("b0", NameOf(queue.TakeNext()!, places));

        Assert.Equal((0, 0), (queue.Count, queue.Lanes));
    }

    /// <summary>One place for each letter, the caller's name; they are told apart by letter and number within it.</summary>
    private static Dictionary<string, LinkedListNode<QueuePlace>> Fill(FairQueue queue, string callers)
    {
        var places = new Dictionary<string, LinkedListNode<QueuePlace>>(StringComparer.Ordinal);
        foreach (var caller in callers.Select(letter => letter.ToString()))
        {
            places.Add($"{caller}{places.Keys.Count(name => name.StartsWith(caller, StringComparison.Ordinal))}", queue.Add(caller, out _)!);
        }

        return places;
    }

    private static string NameOf(QueuePlace place, Dictionary<string, LinkedListNode<QueuePlace>> places) => places.Single(pair => pair.Value.Value == place).Key;
}
