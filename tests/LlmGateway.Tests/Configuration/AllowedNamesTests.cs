using LlmGateway.Model;

namespace LlmGateway.Tests.Configuration;

public sealed class AllowedNamesTests
{
    [Theory]
    [InlineData("report_writer", true)]
    [InlineData("report_", true)]
    [InlineData("a_report_writer", false)]
    [InlineData("openai/gpt-5", true)]
    [InlineData("openai", false)]
    [InlineData("OpenAI/gpt-5", false)]
    [InlineData("llama3.1", true)]
    [InlineData("llama3x1", false)]
    [InlineData("meta-llama/llama-3:free", true)]
    [InlineData("", false)]
    public void A_star_stands_for_any_text(string name, bool isAllowed) =>
        Assert.Equal(isAllowed, new AllowedNames(["report_*", "openai/*", "llama3.1", "meta-*:free"]).Contains(name));
}
