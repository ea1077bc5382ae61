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
}
