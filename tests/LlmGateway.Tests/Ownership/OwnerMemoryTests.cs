using LlmGateway.Ownership;

namespace LlmGateway.Tests.Ownership;

public sealed class OwnerMemoryTests
{
    [Fact]
    public void What_is_asked_for_stays_and_the_rest_is_forgotten()
    {
        var memory = new OwnerMemory(10);
        memory.Set("kept", "ann");
        memory.Set("left", "ann");

        for (var i = 0; i < 100; i++)
        {
            memory.Set(i.ToString(System.Globalization.CultureInfo.InvariantCulture), "ben");
            Assert.Equal("ann", memory.Find("kept"));
        }

        Assert.Null(memory.Find("left"));
        Assert.Equal("ben", memory.Find("99"));
        Assert.InRange(Enumerable.Range(0, 100).Count(i => memory.Find(i.ToString(System.Globalization.CultureInfo.InvariantCulture)) is not null), 1, 20);
    }

    [Fact]
    public void A_later_word_counts()
    {
        var memory = new OwnerMemory();

        memory.Set("a", "ann");
        memory.Set("a", "ben");

        Assert.Equal("ben", memory.Find("a"));
    }
}
