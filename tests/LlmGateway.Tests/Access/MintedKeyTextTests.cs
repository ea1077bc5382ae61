using LlmGateway.Access;

namespace LlmGateway.Tests.Access;

public sealed class MintedKeyTextTests
{
    [Fact]
    public void Create_makes_another_well_formed_key_each_time()
    {
        var keys = Enumerable.Range(0, 1000).Select(_ => MintedKeyText.Create()).ToList();

        Assert.Equal(1000, keys.Distinct().Count());
        Assert.All(keys, key => Assert.Matches("^sk-gw-[A-Za-z0-9_-]{48}$", key));
        Assert.All(keys, key => Assert.True(MintedKeyText.IsWellFormed(key)));
    }

    [Fact]
    public void IsWellFormed_of_a_mistyped_key_is_false()
    {
        var key = MintedKeyText.Create();

        for (var i = 0; i < key.Length; i++)
        {
            var mistyped = key[..i] + (key[i] == 'A' ? 'B' : 'A') + key[(i + 1)..];
            Assert.False(MintedKeyText.IsWellFormed(mistyped), mistyped);
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("sk-gw-")]
    [InlineData("sk-gw-\u00e4\u00e4")]
    [InlineData("sk-gw-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    [InlineData("sk-gw-================================================")]
    public void IsWellFormed_of_anything_else_is_false(string key) => Assert.False(MintedKeyText.IsWellFormed(key));
}
