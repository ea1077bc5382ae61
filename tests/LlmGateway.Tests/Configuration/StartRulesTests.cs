using LlmGateway.Configuration;

namespace LlmGateway.Tests.Configuration;

public sealed class StartRulesTests
{
    private const string Everywhere = "http://0.0.0.0:8080";
    private const string GoodKey = "crm:a-good-long-key";

    [Theory]
    [InlineData("http://localhost:8080", true)]
    [InlineData("http://127.1.2.3:80", true)]
    [InlineData("http://[::1]:8080", true)]
    [InlineData("http://[::ffff:127.0.0.1]:8080", true)]
    [InlineData("http://unix:/run/gateway.sock", true)]
    [InlineData("http://*:8080", false)]
    [InlineData("http://+:8080", false)]
    [InlineData("http://[::]:8080", false)]
    [InlineData("https://10.0.0.1", false)]
    [InlineData("http://localhost.evil.com:80", false)]
    public void IsLoopback_Address_IsTold(string url, bool expected) => Assert.Equal(expected, ListenAddress.IsLoopback(url));

    [Fact]
    public void Begin_DevelopmentOnLoopback_NeedsNothing()
    {
        using var work = new ConfigWorkspace();

        Assert.Equal(1, work.Begin().Config.Revision);
    }

    [Fact]
    public void Begin_ExposedWithoutKeys_IsRefusedWithTheWaysOut()
    {
        using var work = new ConfigWorkspace();

        var problem = Assert.Single(work.BeginBad(ConfigWorkspace.Loopback + ";" + Everywhere));

        Assert.Contains("GATEWAY_API_KEYS=name:key", problem);
        Assert.Contains("gateway_keys.json", problem);
        Assert.Contains("GATEWAY_AUTH=none", problem);
        Assert.Contains("http://localhost:8080", problem);
    }

    [Theory]
    [InlineData("GATEWAY_AUTH", "none")]
    [InlineData("GATEWAY_API_KEYS", GoodKey)]
    public void Begin_ExposedWithKeysOrAuthOff_Starts(string name, string value)
    {
        using var work = new ConfigWorkspace((name, value));

        Assert.NotNull(work.Begin(Everywhere));
    }

    [Fact]
    public void Begin_ProductionWithNothing_ListsAllThatIsMissing()
    {
        using var work = new ConfigWorkspace(("ENVIRONMENT", "production"), ("LLM_TIMEOUT", "x"));
        work.Agents("""{ "default": { "temperature": 9 } }""");

        var exception = Assert.Throws<StartupException>(() => work.Begin());

        Assert.Equal(78, StartupException.ExitCode);
        Assert.Equal(5, exception.Problems.Count);
        Assert.All(["GATEWAY_API_KEYS", "INTERNAL_LLM_BASE_URL", "INTERNAL_LLM_MODEL", "LLM_TIMEOUT", "default.temperature"], name => Assert.Contains(name, exception.Message));
    }

    [Fact]
    public void Begin_ProductionWithAnotherProvider_StartsAndWarnsOfTheInternalOne()
    {
        using var work = new ConfigWorkspace(("ENVIRONMENT", "production"), ("GATEWAY_API_KEYS", GoodKey), ("INTERNAL_LLM_BASE_URL", "https://llm.corp"));
        work.Agents("""{ "default": { "provider": "openai", "model_name": "gpt" } }""");

        Assert.Single(work.Begin().Notices, notice => notice.Contains("INTERNAL_LLM_BASE_URL is set"));
    }

    [Theory]
    [InlineData("ADMIN_API_KEY", "changeme")]
    [InlineData("ADMIN_API_KEY", "short")]
    [InlineData("GATEWAY_API_KEYS", "crm:ChangeMe")]
    public void Begin_WeakKey_IsRefusedOnlyWhereExposed(string name, string value)
    {
        using var work = new ConfigWorkspace(("GATEWAY_AUTH", "none"), (name, value));

        var problem = Assert.Single(work.BeginBad(Everywhere));
        var notices = work.Begin().Notices;

        Assert.Contains(name, problem);
        Assert.DoesNotContain(value.Split(':')[^1], problem);
        Assert.Contains(notices, notice => notice.Contains(name));
    }

    [Fact]
    public void Begin_ShortClientKey_IsANotice()
    {
        using var work = new ConfigWorkspace(("GATEWAY_API_KEYS", "crm:short"));

        Assert.Single(work.Begin(Everywhere).Notices, notice => notice.Contains("is short"));
    }

    [Fact]
    public void Begin_DevelopmentContainer_MakesKeyOnceAndKeepsIt()
    {
        using var work = new ConfigWorkspace(("DOTNET_RUNNING_IN_CONTAINER", "true"));

        var first = work.Begin(Everywhere);
        var second = work.Begin(Everywhere);

        Assert.Matches("^sk-gw-[A-Za-z0-9_-]{43}$", first.ContainerKey!.Key);
        Assert.Equal((true, false), (first.ContainerKey.IsNew, second.ContainerKey!.IsNew));
        Assert.Equal(first.ContainerKey.Key, second.ContainerKey.Key);
        Assert.Equal("container", Assert.Single(second.Config.ClientKeys).Value.Name);
        Assert.True(OperatingSystem.IsWindows() || File.GetUnixFileMode(work.PathOf("data/gateway.key")) == (UnixFileMode.UserRead | UnixFileMode.UserWrite));
        Assert.Null(work.Begin().ContainerKey);
    }
}
