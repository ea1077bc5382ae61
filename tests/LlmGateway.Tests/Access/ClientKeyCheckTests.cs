using System.Collections.Frozen;
using System.Security.Cryptography;
using System.Text;
using LlmGateway.Access;
using LlmGateway.Model;

namespace LlmGateway.Tests.Access;

/// <summary>A presented key is hashed before anything looks at it, so that how near it comes to a real one decides nothing.</summary>
public sealed class ClientKeyCheckTests
{
    private const string Text = "sk-right-key";

    private static readonly DateTimeOffset Now = new(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly ClientKey Key = new() { Name = "right", Sha256 = Hash(Text) };

    [Theory]
    [InlineData(Text, true)]
    [InlineData("xk-right-key", false)]
    [InlineData("sk-right-kex", false)]
    [InlineData("sk-right-ke", false)]
    [InlineData("sk-right-keyy", false)]
    [InlineData("SK-RIGHT-KEY", false)]
    [InlineData("", false)]
    public void Only_the_whole_key_is_found(string presented, bool isFound)
    {
        Assert.Equal(isFound ? Key : null, ClientKeyCheck.Find(Keys(Name(Text), Key), Keys(), presented, Now));
        Assert.Equal(isFound ? Key : null, ClientKeyCheck.Find(Keys(), Keys(Name(Text), Key), presented, Now));
    }

    [Fact]
    public void It_is_looked_up_by_its_hash_alone()
    {
        Assert.Null(ClientKeyCheck.Find(Keys(Text, Key), Keys(Text, Key), Text, Now));
        Assert.Null(ClientKeyCheck.Find(Keys(Name(Text), Key), Keys(), Name(Text), Now));
    }

    [Fact]
    public void All_of_the_hash_is_compared_once_more()
    {
        for (var position = 0; position < SHA256.HashSizeInBytes; position++)
        {
            var other = Hash(Text);
            other[position] ^= 1;
            Assert.Null(ClientKeyCheck.Find(Keys(Name(Text), Key with { Sha256 = other }), Keys(), Text, Now));
        }
    }

    [Fact]
    public void What_is_too_long_to_be_a_key_is_none()
    {
        var longest = new string('k', 1024);

        Assert.NotNull(ClientKeyCheck.Find(Keys(Name(longest), Key with { Sha256 = Hash(longest) }), Keys(), longest, Now));
        Assert.Null(ClientKeyCheck.Find(Keys(Name(longest + "k"), Key with { Sha256 = Hash(longest + "k") }), Keys(), longest + "k", Now));
    }

    private static byte[] Hash(string text) => SHA256.HashData(Encoding.UTF8.GetBytes(text));

    private static string Name(string text) => Convert.ToHexStringLower(Hash(text));

    private static FrozenDictionary<string, ClientKey> Keys() => FrozenDictionary<string, ClientKey>.Empty;

    private static FrozenDictionary<string, ClientKey> Keys(string name, ClientKey key) => new Dictionary<string, ClientKey> { [name] = key }.ToFrozenDictionary();
}
