using System.Text;
using LlmGateway.Providers;

namespace LlmGateway.Tests.Providers;

/// <summary>Whether a provider's list holds the configured model, each in its own spelling.</summary>
public sealed class ModelCatalogTests
{
    private static readonly ToolCallStates States = new(TimeProvider.System);

    [Theory]
    [InlineData("openai", "m-1", "m-1", true)]
    [InlineData("openai", "m-1-mini", "m-1", false)]
    [InlineData("ollama", "llama3.1:latest", "llama3.1", true)]
    [InlineData("ollama", "llama3.1:70b", "llama3.1", false)]
    [InlineData("ollama", "llama3.1:70b", "llama3.1:70b", true)]
    [InlineData("anthropic", "claude-x-1-20260101", "claude-x-1", true)]
    [InlineData("anthropic", "claude-x-1-20260101", "claude-x-1-latest", true)]
    [InlineData("anthropic", "claude-x-1-20260101", "claude-x-1-20260101", true)]
    [InlineData("anthropic", "claude-x-1-20260101", "claude-x", false)]
    [InlineData("gemini", "models/gemini-x", "gemini-x", true)]
    [InlineData("gemini", "models/gemini-x", "models/gemini-x", true)]
    [InlineData("gemini", "models/gemini-x-pro", "gemini-x", false)]
    public void IsModel_KnowsTheProvidersSpelling(string type, string listed, string model, bool expected) =>
        Assert.Equal(expected, Catalog(type).IsModel(listed, model));

    [Theory]
    [InlineData("""{"data":[{"id":"a"},{"id":7},{"id":"b"}]}""", "a b")]
    [InlineData("""[{"id":"a"},{"name":"b"}]""", "a b")]
    [InlineData("""{"data":[]}""", "")]
    [InlineData("""{"models":[]}""", null)]
    [InlineData("<html>", null)]
    public void ReadList_TakesNamesAndNothingElse(string body, string? expected)
    {
        var names = Catalog("openai").ReadList(Encoding.UTF8.GetBytes(body));

        Assert.Equal(expected, names is null ? null : string.Join(' ', names));
    }

    [Theory]
    [InlineData("openai", "http://provider.test", "http://provider.test/v1/models")]
    [InlineData("openai", "https://x.openai.azure.com", "https://x.openai.azure.com/openai/v1/models")]
    [InlineData("ollama", "http://provider.test/v1/", "http://provider.test/api/tags")]
    [InlineData("anthropic", "http://provider.test", "http://provider.test/v1/models?limit=1000")]
    [InlineData("gemini", "http://provider.test/v1beta/openai", "http://provider.test/v1beta/models?pageSize=1000")]
    public void CreateListCall_GoesWhereTheListIs(string type, string baseUrl, string expected)
    {
        var target = TestRequests.Target(provider: TestRequests.Provider("p", type) with { BaseUrl = new Uri(baseUrl) });

        using var call = Catalog(type).CreateListCall(TestRequests.Chat(target: target), target);

        Assert.Equal(expected, call!.RequestUri!.AbsoluteUri);
        Assert.Equal(HttpMethod.Get, call.Method);
        Assert.DoesNotContain("sk-provider-key", call.RequestUri.AbsoluteUri);
        Assert.Contains("sk-provider-key", call.Headers.ToString());
    }

    [Fact]
    public void TheMock_HasNoList() => Assert.Null(new MockDialect().Catalog);

    private static IModelCatalog Catalog(string type)
    {
        IProviderDialect dialect = type switch
        {
            "ollama" => new OllamaDialect(TimeProvider.System),
            "anthropic" => new AnthropicDialect(TimeProvider.System, States),
            "gemini" => new GeminiDialect(TimeProvider.System, States),
            _ => new OpenAiDialect(),
        };
        return dialect.Catalog!;
    }
}
