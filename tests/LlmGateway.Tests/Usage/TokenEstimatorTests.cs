using System.Text;
using LlmGateway.Usage;

namespace LlmGateway.Tests.Usage;

public sealed class TokenEstimatorTests
{
    [Fact]
    public void PromptTokens_Image_CountsFlatAndNotByItsLength()
    {
        var small = Encoding.UTF8.GetBytes("""[{"image_url":{"url":"data:image/png;base64,AAAA"}}]""");
        var large = Encoding.UTF8.GetBytes($$$"""[{"image_url":{"url":"data:image/png;base64,{{{new string('A', 1_000_000)}}}"}}]""");

        Assert.Equal(TokenEstimator.PromptTokens(small), TokenEstimator.PromptTokens(large));
        Assert.InRange(TokenEstimator.PromptTokens(small), TokenEstimator.ImageTokens, TokenEstimator.ImageTokens + 20);
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, 1)]
    [InlineData(4, 1)]
    [InlineData(5, 2)]
    public void OutputTokens_Bytes_RoundUp(long bytes, long tokens) => Assert.Equal(tokens, TokenEstimator.OutputTokens(bytes));

    [Fact]
    public void PromptTokens_Base64WithoutEnd_Terminates() => Assert.Equal(TokenEstimator.ImageTokens + 2, TokenEstimator.PromptTokens(";base64,xxx"u8));
}
