using System.Collections.Frozen;
using LlmGateway.Model;
using LlmGateway.Profiles;

namespace LlmGateway.Tests.Profiles;

public sealed class ProfileResolverTests
{
    private static readonly ProviderConfig Router = TestRequests.Provider("router");

    private static GatewayConfig Config(bool allowsOverride = false, string environment = "production")
    {
        var fallback = new AgentProfile { Name = "default", IsDefault = true, Target = TestRequests.Target("house"), AllowsModelOverride = allowsOverride };
        var listed = TestRequests.Target("meta/llama", Router);
        return TestRequests.Config(
            fallback,
            new AgentProfile { Name = "writer", Target = TestRequests.Target("w") },
            new AgentProfile { Name = "free", Target = TestRequests.Target("f"), AllowsModelOverride = true }) with
        {
            Environment = environment,
            Providers = new[] { TestRequests.Provider(), Router }.ToFrozenDictionary(provider => provider.Name),
            ListedModels = new[] { listed }.ToFrozenDictionary(target => target.Model),
            RoleChains = new Dictionary<string, IReadOnlyList<ProviderTarget>> { ["primary"] = [listed] }.ToFrozenDictionary(),
        };
    }

    private static string Route(string? header = null, string? path = null, string? model = null, bool allowsOverride = false, string environment = "production")
    {
        var route = ProfileResolver.Resolve(Config(allowsOverride, environment), header, path, model);
        return route.Error?.Code ?? $"{route.Profile!.Name} {route.Role ?? (route.Target ?? route.Profile.Target).ToString()}";
    }

    [Theory]
    [InlineData("writer", "free", "agent:free", "writer openai/w")]
    [InlineData(null, "free", "agent:writer", "free openai/f")]
    [InlineData(null, null, "agent:writer", "writer openai/w")]
    [InlineData("nobody", null, null, "agent_not_found")]
    [InlineData(null, null, "agent:nobody", "agent_not_found")]
    [InlineData("writer", null, "gpt-4o", "writer openai/w")]
    [InlineData("free", null, "gpt-4o", "free openai/gpt-4o")]
    [InlineData("free", null, "role:primary", "free openai/f")]
    [InlineData(null, null, null, "default openai/house")]
    [InlineData(null, null, "", "default openai/house")]
    [InlineData(null, null, "gpt-4o", "default openai/house")]
    [InlineData(null, null, "meta/llama", "default router/meta/llama")]
    [InlineData(null, null, "router/some/model:free", "default router/some/model:free")]
    [InlineData(null, null, "stranger/model", "default openai/house")]
    [InlineData(null, null, "role:primary", "default primary")]
    [InlineData(null, null, "role:best", "model_not_found")]
    public void Resolve_HeaderThenPathThenAliasThenModel(string? header, string? path, string? model, string expected) =>
        Assert.Equal(expected, Route(header, path, model));

    [Fact]
    public void Resolve_DefaultAllowsOverride_TakesAnyName() => Assert.Equal("default openai/gpt-4o", Route(model: "gpt-4o", allowsOverride: true));

    [Fact]
    public void Resolve_Development_ListedNameStaysAtHome() => Assert.Equal("default openai/house", Route(model: "meta/llama", environment: "development"));

    [Fact]
    public void Resolve_Development_ExplicitProviderIsObeyed() => Assert.Equal("default router/meta/llama", Route(model: "router/meta/llama", environment: "development"));

    [Fact]
    public void Resolve_AgentOfTheBody_ComesFirst() =>
        Assert.Equal("free", ProfileResolver.Resolve(Config(), "writer", "writer", null, body: "free").Profile!.Name);

    [Theory]
    [InlineData("nobody", "free", "free", "free", "agent")]
    [InlineData(null, "nobody", "free", "free", "X-Agent-Profile")]
    [InlineData(null, null, "nobody", "free", "agent")]
    [InlineData(null, "", "nobody", "free", "agent")]
    [InlineData(null, null, null, "nobody", "model")]
    public void Resolve_UnknownAgent_TellsWhereItWasNamed(string? body, string? header, string? path, string model, string expected) =>
        Assert.Equal(expected, ProfileResolver.Resolve(Config(), header, path, $"agent:{model}", body: body).Error!.Param);

    [Fact]
    public void Resolve_UnknownAgent_ListsTheKnown()
    {
        var error = ProfileResolver.Resolve(Config(), "nobody", null, null).Error!;

        Assert.Equal(404, error.Status);
        Assert.Contains("free, writer", error.Message);
    }
}
