using System.Text;

namespace LlmGateway.Tests.Configuration;

public sealed class ConfigFileTests
{
    [Theory]
    [InlineData("{\n  \"default\": {\n    \"temperature\": ,\n", ":3:", "not valid JSON")]
    [InlineData("{\n  \"default\": {},\n  \"default\": {}\n}", ":3:", "stands there twice")]
    [InlineData("{}\n{}", ":2:", "not valid JSON")]
    [InlineData("[]", ":1:", "JSON object")]
    [InlineData(" \n", ":", "is empty")]
    [InlineData("{ \"default\": { \"system_prompt\": \"\\ud800\" } }", ":1:", "surrogate")]
    public void Load_BrokenJson_IsToldWithLine(string text, string line, string expected)
    {
        using var work = new ConfigWorkspace();
        work.Agents(text);

        Assert.Contains(work.LoadBad(), problem => problem.StartsWith($"config/agent_llm_config.json{line}", StringComparison.Ordinal) && problem.Contains(expected));
    }

    [Theory]
    [InlineData("llm:\n  strategy: single\n  strategy: fastest\n", ":3:", "stands there twice")]
    [InlineData("providers:\n  local:\n    base_url: http://h\n    models:\n      a: {}\n      a: {}\n", ":6:", "stands there twice")]
    [InlineData("llm:\n  strategy: !!str single\n", ":2:", "Tags")]
    [InlineData("llm: !evil {}\n", ":1:", "Tags")]
    [InlineData("llm:\n  strategy: [unclosed\n", ":", "not valid YAML")]
    [InlineData("a: *nobody\n", ":", "not valid YAML")]
    [InlineData("--- {}\n--- {}\n", ":2:", "second document")]
    [InlineData("- a\n", ":1:", "mapping")]
    [InlineData("llm:\n  timeout: ${NOT_SET}\n", ":2:", "the variable NOT_SET is not set")]
    [InlineData("llm:\n  timeout: ${NOT SET}\n", ":2:", "malformed")]
    [InlineData("llm:\n  timout: 3\n", ":2:", "Did you mean \"timeout\"?")]
    public void Load_BrokenYaml_IsToldWithLine(string text, string line, string expected)
    {
        using var work = new ConfigWorkspace();
        work.Settings(text);

        Assert.Contains(work.LoadBad(), problem => problem.StartsWith($"config/llm_settings.yaml{line}", StringComparison.Ordinal) && problem.Contains(expected));
    }

    /// <summary>What refers to the file that cannot be parsed was told as missing, which it is not.</summary>
    [Fact]
    public void Load_BrokenYaml_IsAllThatIsTold()
    {
        using var work = new ConfigWorkspace();
        work.Settings("providers:\n  gpu: [\n");
        work.Agents("""{ "agents": { "a": { "provider": "gpu", "model_name": "m" } } }""");

        Assert.StartsWith("config/llm_settings.yaml", Assert.Single(work.LoadBad()), StringComparison.Ordinal);
    }

    [Fact]
    public void Load_AliasBomb_IsRefused()
    {
        var bomb = new StringBuilder("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for (var level = 1; level < 9; level++)
        {
            bomb.Append($"a{level}: &a{level} [").AppendJoin(", ", Enumerable.Repeat($"*a{level - 1}", 10)).Append("]\n");
        }

        using var work = new ConfigWorkspace();
        work.Settings(bomb.ToString());

        Assert.Contains("too many aliases", Assert.Single(work.LoadBad()));
    }

    [Fact]
    public void Load_DeepNesting_IsRefused()
    {
        using var work = new ConfigWorkspace();
        work.Settings("llm: " + new string('[', 200) + new string(']', 200)).Agents(new string('[', 200) + new string(']', 200));

        Assert.Equal(2, work.LoadBad().Count);
    }

    [Fact]
    public void Load_ValueWithStructure_StaysText()
    {
        using var work = new ConfigWorkspace(("X", "a: 1\nproviders: { evil: {} }"), ("N", "7"));
        work.Settings("providers: { openai: { headers: { X-N: \"${N}-${MISSING:-d}-$${N}\" }, timeout: \"${N}\" } }\nmcp_servers: { m: { command: \"${X}\" } }");

        var config = work.LoadGood();

        Assert.Equal("7-d-${N}", config.Providers["openai"].Headers[0].Value);
        Assert.Equal(TimeSpan.FromSeconds(7), config.Providers["openai"].Timeout);
        Assert.Equal(work.Variables["X"], config.McpServers["m"].Command);
        Assert.False(config.Providers.ContainsKey("evil"));
    }

    [Fact]
    public void Load_TooLargeOrDirectoryOrInvalidUtf8_IsRefused()
    {
        using var work = new ConfigWorkspace();
        work.Agents("{ /*" + new string(' ', 1 << 20) + "*/ }");
        Directory.CreateDirectory(work.PathOf("config/llm_settings.yaml"));
        File.WriteAllBytes(work.PathOf("config/gateway_keys.json"), [.. "{\n\""u8, 0xC3, 0x28, .. "\": 1 }"u8]);

        var problems = work.LoadBad();

        Assert.Equal(3, problems.Count);
        Assert.Contains(problems, problem => problem.Contains("larger than 1 MiB"));
        Assert.Contains(problems, problem => problem.Contains("is a directory"));
        Assert.Contains(problems, problem => problem.StartsWith("config/gateway_keys.json:2: is not valid UTF-8", StringComparison.Ordinal));
    }

    [Fact]
    public void Load_MissingFiles_DefaultIsANoticeAndNamedIsAProblem()
    {
        using var work = new ConfigWorkspace(("LLM_SETTINGS", "config/other.yaml"));

        var loaded = work.Load();

        Assert.Contains("LLM_SETTINGS names it", Assert.Single(loaded.Problems).ToString());
        Assert.Equal(2, loaded.Notices.Count(notice => notice.Contains("built-in defaults")));
    }

    [Fact]
    public void Load_CommentsTrailingCommasAndBom_AreAllowed()
    {
        using var work = new ConfigWorkspace();
        work.Agents("\uFEFF{ // comment\n \"agents\": { \"a\": { \"temperature\": 0.10, }, }, /* more */ }").Settings("# nothing but a comment\n");

        Assert.Equal("0.10", work.LoadGood().Agents["a"].Target.Sampling.Temperature);
    }

    [Fact]
    public void Problems_SecretsEverywhere_ShowNone()
    {
        using var work = new ConfigWorkspace(
            ("OPENAI_API_KEY", "canary key"), ("ADMIN_API_KEY", "canary admin"), ("GATEWAY_API_KEYS", "crm canary:x,a b:canary"), ("DATABASE_URL", "mysql://u:canary@h"),
            ("INTERNAL_LLM_TICKET", "canary\n\u0001"), ("INTERNAL_LLM_BASE_URL", "http://u:canary@h"), ("SECRET", "canary"), ("CRM", "canary\u0001"));
        work.Write(".env", "canary line\nA=\"canary");
        work.Settings("llm: { timeout: '${SECRET}' , strategy: '${SECRET}' }\nproviders: { openai: { api_key: 'can ary canary', base_url: '${SECRET}', type: '${SECRET}' } }");
        work.Agents("""{ "default": { "api_key_env": "sk-canary", "ticket_env": "CRM", "provider": "internal" } }""");
        work.Keys("""{ "keys": [ { "name": "a", "sha256": "canary", "ticket_env": "CRM" } ] }""");

        var problems = work.LoadBad();

        Assert.True(problems.Count >= 12, string.Join('\n', problems));
        Assert.DoesNotContain(problems, problem => problem.Contains("canary"));
    }
}
