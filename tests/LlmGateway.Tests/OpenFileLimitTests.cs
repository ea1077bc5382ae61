namespace LlmGateway.Tests;

public sealed class OpenFileLimitTests
{
    [Theory]
    [InlineData("64", true)]
    [InlineData("319", true)]
    [InlineData("320", false)]
    [InlineData("1048576", false)]
    [InlineData("unlimited", false)]
    public void Describe_TooFew_SaysHowManyAndHowToRaiseThem(string soft, bool isTooFew)
    {
        var sentence = OpenFileLimit.Describe(
            $"Limit                     Soft Limit           Hard Limit           Units     \nMax processes             31                   31                   processes \nMax open files            {soft,-20} 1048576              files     \n");

        Assert.Equal(isTooFew, sentence is not null);
        Assert.True(!isTooFew || sentence!.Contains($"open {soft} files", StringComparison.Ordinal));
    }

    [Fact]
    public void Describe_SystemThatDoesNotSay_IsTrusted() => Assert.Null(OpenFileLimit.Describe("Max processes 31 31 processes\n"));
}
