using System.Text;
using LlmGateway.Model;

namespace LlmGateway.Tests.Usage;

public sealed class TokenEstimateTests
{
    [Fact]
    public void PromptTokens_Image_CountsFlatAndNotByItsLength()
    {
        var small = Encoding.UTF8.GetBytes("""[{"image_url":{"url":"data:image/png;base64,AAAA"}}]""");
        var large = Encoding.UTF8.GetBytes($$$"""[{"image_url":{"url":"data:image/png;base64,{{{new string('A', 1_000_000)}}}"}}]""");

        Assert.Equal(TokenEstimate.OfPrompt(small), TokenEstimate.OfPrompt(large));
        Assert.InRange(TokenEstimate.OfPrompt(small), TokenEstimate.ImageTokens, TokenEstimate.ImageTokens + 20);
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, 1)]
    [InlineData(4, 1)]
    [InlineData(5, 2)]
    public void OutputTokens_Bytes_RoundUp(long bytes, long tokens) => Assert.Equal(tokens, TokenEstimate.OfText(bytes));

    [Fact]
    public void PromptTokens_Base64WithoutEnd_Terminates() => Assert.Equal(TokenEstimate.ImageTokens + 2, TokenEstimate.OfPrompt(";base64,xxx"u8));

    [Fact]
    public void Input_ImageByAddress_CountsLikeAnEmbeddedOne()
    {
        const string Parts = """{"messages":[{"role":"user","content":[{"type":"text","text":"Hi"},{"type":"image_url","image_url":{"url":"URL"}}]}]}""";

        var embedded = InputOf(Parts.Replace("URL", "data:image/png;base64,AAAA", StringComparison.Ordinal));
        var linked = InputOf(Parts.Replace("URL", "https://pictures.test/a", StringComparison.Ordinal));

        Assert.InRange(linked, TokenEstimate.ImageTokens, embedded + 10);
    }

    [Theory]
    [InlineData(""","tools":[{"type":"function","function":{"name":"look","parameters":{"type":"object"}}}]""", 80)]
    [InlineData(""","functions":[{"name":"look","parameters":{"type":"object"}}]""", 50)]
    [InlineData(""","response_format":{"type":"json_schema","json_schema":{"name":"a","schema":{}}}""", 60)]
    [InlineData(""","response_format":{"type":"json_object"}""", 0)]
    [InlineData(",\"user\":\"somebody\"", 0)]
    public void Input_CountsWhatTheModelReadsBesideMessages(string member, int bytes)
    {
        const string Messages = """{"messages":[{"role":"user","content":"Hi"}]MEMBER}""";

        var plain = InputOf(Messages.Replace("MEMBER", "", StringComparison.Ordinal));
        var full = InputOf(Messages.Replace("MEMBER", member, StringComparison.Ordinal));

        Assert.InRange(full - plain, bytes / 4, (bytes / 4) + 2);
    }

    [Fact]
    public void Input_CountsTheProfilesPrompt_OfEachProfileItsOwn()
    {
        var request = TestRequests.Chat();
        var plain = TokenEstimate.Of(request, 0).Input;

        var prompted = TokenEstimate.Of(request with { Profile = request.Profile with { SystemPrompt = new string('ä', 200) } }, 0).Input;

        Assert.Equal(plain + 100, prompted);
        Assert.Equal(plain, TokenEstimate.Of(request, 0).Input);
    }

    private static long InputOf(string body) => TokenEstimate.Of(TestRequests.Chat(body), 0).Input;
}
