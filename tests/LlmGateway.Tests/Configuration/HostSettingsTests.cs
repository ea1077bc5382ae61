using LlmGateway.Configuration;

namespace LlmGateway.Tests.Configuration;

public sealed class HostSettingsTests
{
    [Fact]
    public void Read_NothingSet_DefaultsOfTheContract()
    {
        using var work = new ConfigWorkspace();

        var host = work.ReadSettings().Host;

        Assert.True(host.IsDevelopment);
        Assert.Equal((2000, 200, 32L << 20, 512L << 20), (host.MaxConcurrency, host.Queue, host.MaxBodyBytes, host.MaxUploadBytes));
        Assert.Equal((TimeSpan.Zero, TimeSpan.FromSeconds(300)), (host.AnnounceTime, host.DrainTime));
        Assert.Equal(("sqlite:data/gateway.db", 30, "AD"), (host.DatabaseUrl, host.HistoryRetentionDays, host.Llm.UserType));
        Assert.Equal(work.PathOf("config/agent_llm_config.json"), host.AgentsFile.Path);
        Assert.False(host.AgentsFile.IsNamed);
    }

    [Theory]
    [InlineData("GATEWAY_AUTH", "off")]
    [InlineData("GATEWAY_MAX_CONCURRENCY", "0")]
    [InlineData("GATEWAY_QUEUE", "many")]
    [InlineData("GATEWAY_MAX_BODY", "32 parsecs")]
    [InlineData("GATEWAY_DRAIN_SECONDS", "-1")]
    [InlineData("GATEWAY_CORS_ORIGINS", "*")]
    [InlineData("GATEWAY_API_KEYS", "no-colon")]
    [InlineData("DATABASE_URL", "mysql://x")]
    [InlineData("HISTORY_RETENTION_DAYS", "1.5")]
    [InlineData("LLM_DEBUG", "maybe")]
    [InlineData("LLM_TIMEOUT", "0")]
    [InlineData("LLM_TOTAL_TIMEOUT", "86401")]
    [InlineData("LLM_MAX_RETRIES", "11")]
    [InlineData("LLM_TEMPERATURE", "NaN")]
    [InlineData("INTERNAL_LLM_BASE_URL", "ftp://host")]
    [InlineData("OLLAMA_BASE_URL", "http://user:pass@host")]
    [InlineData("INTERNAL_LLM_TICKET", "с кириллицей")]
    [InlineData("USER_ID", "a\u0001b")]
    [InlineData("ADMIN_API_KEY", "  ")]
    public void Read_Malformed_IsOneProblemThatNamesTheVariable(string name, string value)
    {
        using var work = new ConfigWorkspace((name, value));

        var problem = Assert.Single(work.LoadBad());

        Assert.Contains($" {name}: ", problem);
    }

    [Fact]
    public void Read_ManyMalformed_AllAtOnce()
    {
        using var work = new ConfigWorkspace(("LLM_TIMEOUT", "x"), ("GATEWAY_AUTH", "x"), ("GATEWAY_MAX_BODY", "x"));
        work.Agents("""{ "agent": {} }""").Settings("llm: { timeut: 3 }").Keys("""{ "keys": {} }""");

        Assert.Equal(6, work.LoadBad().Count);
    }

    [Theory]
    [InlineData("1048576", 1048576)]
    [InlineData("32MiB", 32 << 20)]
    [InlineData("512 MB", 512_000_000)]
    [InlineData("1kib", 1024)]
    [InlineData("7B", 7)]
    public void TryParse_Size_Units(string text, long expected)
    {
        Assert.True(ByteSize.TryParse(text, out var bytes));
        Assert.Equal(expected, bytes);
    }

    [Fact]
    public void ToString_Secrets_AreNotShown()
    {
        using var work = new ConfigWorkspace(("ADMIN_API_KEY", "canary-admin"), ("GATEWAY_API_KEYS", "crm:canary-client"), ("OPENAI_API_KEY", "canary-openai"));

        var host = work.ReadSettings().Host;
        var config = work.LoadGood();

        Assert.DoesNotContain("canary", $"{host}{host.Llm}{host.ClientKeys[0]}{config.Providers["openai"]}{config.Default.Target}");
    }
}
