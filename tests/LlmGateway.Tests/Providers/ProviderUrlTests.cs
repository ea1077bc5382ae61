using LlmGateway.Providers;

namespace LlmGateway.Tests.Providers;

public sealed class ProviderUrlTests
{
    [Theory]
    [InlineData("http://host:1", "http://host:1/v1")]
    [InlineData("http://host/", "http://host/v1")]
    [InlineData("http://host/v1", "http://host/v1")]
    [InlineData("http://host/v1/", "http://host/v1")]
    [InlineData("https://openrouter.ai/api", "https://openrouter.ai/api/v1")]
    [InlineData("https://openrouter.ai/api/v1", "https://openrouter.ai/api/v1")]
    [InlineData("https://host/api/paas/v4", "https://host/api/paas/v4")]
    [InlineData("https://host/v1beta/openai/", "https://host/v1beta/openai")]
    public void OpenAiRoot_AnySpelling_EndsInItsVersion(string baseUrl, string expected) =>
        Assert.Equal(expected, ProviderUrl.OpenAiRoot(new Uri(baseUrl)));
}
