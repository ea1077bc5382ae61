using LlmGateway.Model;
using LlmGateway.Routing;

namespace LlmGateway.Tests.Routing;

public sealed class CapabilitiesTests
{
    private const string Tools = """{"model":"m","tools":[{"type":"function","function":{"name":"f"}}],"messages":[{"role":"user","content":"Hi"}]}""";
    private const string Image = """{"model":"m","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://example.com/a.png"}}]}]}""";
    private const string Schema = """{"model":"m","response_format":{"type":"json_schema","json_schema":{"name":"s","schema":{}}},"messages":[{"role":"user","content":"Hi"}]}""";

    private static readonly ModelConfig Nothing = new() { Name = "m", SupportsTools = false, SupportsVision = false, SupportsJsonSchema = false, ContextWindow = 100 };

    [Theory]
    [InlineData(Tools, "tools")]
    [InlineData(Image, "images")]
    [InlineData(Schema, "schema")]
    public void WhyNot_KnownToLackIt_SaysWhat(string body, string expected)
    {
        Assert.Contains(expected, WhyNot(body, Nothing), StringComparison.Ordinal);
        Assert.Null(WhyNot(body, new ModelConfig { Name = "m" }));
        Assert.Null(WhyNot(body, null));
    }

    [Fact]
    public void WhyNot_PlainChat_NeedsNothing() => Assert.Null(WhyNot(TestRequests.Hello, Nothing));

    [Theory]
    [InlineData(300, true)]
    [InlineData(4000, false)]
    public void WhyNot_LongPrompt_ByTheEstimate(int characters, bool fits)
    {
        var body = $$"""{"model":"m","messages":[{"role":"user","content":"{{new string('x', characters)}}"}]}""";

        Assert.Equal(fits, WhyNot(body, Nothing) is null);
    }

    [Theory]
    [InlineData("openai", "gpt", false, null, false)]
    [InlineData("openai", "gpt", true, null, true)]
    [InlineData("openai", "gpt", false, 0L, true)]
    [InlineData("openai", "gpt", false, 5L, false)]
    [InlineData("openrouter", "kwaipilot/kat-coder-pro:free", false, null, true)]
    [InlineData("ollama", "llama", false, null, true)]
    public void WhyNot_FreeOnly_MustBeKnownToBeFree(string type, string model, bool isMarked, long? price, bool isFree)
    {
        var config = new ModelConfig { Name = model, IsFree = isMarked, Price = price is { } p ? new ModelPrice(p, p, p) : null };
        var target = TestRequests.Target(model, TestRequests.Provider(type, type)) with { ModelConfig = config };
        var request = TestRequests.Chat(profile: new AgentProfile { Name = "cheap", Target = target, FreeOnly = true });

        Assert.Equal(isFree, Capabilities.WhyNot(target, request) is null);
    }

    [Theory]
    [InlineData(8, 16, true)]
    [InlineData(8, 8, false)]
    [InlineData(16, 8, false)]
    [InlineData(null, 8, true)]
    [InlineData(8, null, true)]
    public void MayBeLarger_OnlyKnownWindowsRuleOut(int? failed, int? next, bool expected) =>
        Assert.Equal(expected, Capabilities.MayBeLarger(WithWindow(next), WithWindow(failed)));

    private static ProviderTarget WithWindow(int? window) => TestRequests.Target() with { ModelConfig = new ModelConfig { Name = "m", ContextWindow = window } };

    private static string? WhyNot(string body, ModelConfig? model)
    {
        var target = TestRequests.Target() with { ModelConfig = model };
        return Capabilities.WhyNot(target, TestRequests.Chat(body, target))?.Lack;
    }
}
