using LlmGateway.Model;

namespace LlmGateway.Tests.Configuration;

public sealed class AgentProfileTests
{
    private static readonly (string, string)[] Production =
    [
        ("ENVIRONMENT", "production"), ("INTERNAL_LLM_BASE_URL", "https://llm.corp/v1"), ("INTERNAL_LLM_MODEL", "corp-1"), ("INTERNAL_LLM_TICKET", "T-0"),
    ];

    private static string[] Chain(AgentProfile profile) => [.. profile.Fallbacks.Prepend(profile.Target).Select(target => target.ToString())];

    private static ConfigWorkspace Work(string agents, params (string, string)[] more)
    {
        var work = new ConfigWorkspace([.. Production, .. more]);
        return work.Agents(agents);
    }

    [Fact]
    public void Load_NoFiles_EnvironmentDecides()
    {
        using var development = new ConfigWorkspace();
        using var production = new ConfigWorkspace(Production);

        Assert.Equal(["ollama/llama3.1", "mock/mock"], Chain(development.LoadGood().Default));
        Assert.Equal(["internal/corp-1"], Chain(production.LoadGood().Default));
        Assert.Equal("T-0", production.LoadGood().Default.Target.Ticket);
        Assert.Equal([FailureReason.Connection, FailureReason.ModelUnavailable], development.LoadGood().Default.Fallbacks[^1].OnlyAfter!.Order());
    }

    [Fact]
    public void Inherit_AnotherProvider_TakesNeitherModelNorKey()
    {
        using var work = Work(
            """
            { "default": { "provider": "anthropic", "model_name": "claude", "api_key_env": "PREMIUM", "temperature": 0.10, "max_tokens": 9 },
              "agents": { "same": { "max_tokens": 7 }, "model": { "model_name": "claude-2" }, "key": { "api_key_env": "OTHER" },
                          "foreign": { "provider": "internal" }, "again": { "provider": "Anthropic" } } }
            """,
            ("PREMIUM", "premium"),
            ("OTHER", "other"));

        var agents = work.LoadGood().Agents;

        Assert.Equal(("anthropic/claude", "premium"), (agents["same"].Target.ToString(), agents["same"].Target.ApiKey));
        Assert.Equal(("0.10", "7"), (agents["same"].Target.Sampling.Temperature, agents["same"].Target.Sampling.MaxTokens));
        Assert.Equal(("anthropic/claude-2", "premium"), (agents["model"].Target.ToString(), agents["model"].Target.ApiKey));
        Assert.Equal(("anthropic/claude", "other"), (agents["key"].Target.ToString(), agents["key"].Target.ApiKey));
        Assert.Equal(("internal/corp-1", null), (agents["foreign"].Target.ToString(), agents["foreign"].Target.ApiKey));
        Assert.Equal(("anthropic/claude", "premium"), (agents["again"].Target.ToString(), agents["again"].Target.ApiKey));
    }

    [Fact]
    public void Inherit_NoModelKnown_IsRefused()
    {
        using var work = Work("""{ "agents": { "a": { "provider": "openai" } } }""");

        Assert.Contains("config/agent_llm_config.json:1: agents.a: no model is known", Assert.Single(work.LoadBad()));
    }

    [Theory]
    [InlineData("Staging", "openai/gpt-s", "0.5")]
    [InlineData("production", "internal/corp-1", "0.9")]
    public void Overlay_CurrentEnvironment_LiesOverTheAgent(string environment, string target, string temperature)
    {
        using var work = Work(
            """{ "default": { "environments": { "staging": { "provider": "openai", "model_name": "gpt-s", "temperature": 0.5 } } }, "agents": { "a": { "temperature": 0.9 }, "own": { "environments": {} } } }""",
            ("ENVIRONMENT", environment));
        work.Variables["ENVIRONMENT"] = environment;

        var config = work.LoadGood();

        Assert.Equal((target, temperature), (config.Agents["a"].Target.ToString(), config.Agents["a"].Target.Sampling.Temperature));
        Assert.Equal(target, config.Default.Target.ToString());
        Assert.Equal("internal/corp-1", config.Agents["own"].Target.ToString());
    }

    [Fact]
    public void Development_NoOverlay_NothingLeavesTheMachine()
    {
        using var work = new ConfigWorkspace(("OLLAMA_MODEL", "qwen"));
        work.Agents("""
            { "default": { "provider": "openai", "model_name": "gpt" },
              "agents": { "a": { "provider": "anthropic", "model_name": "claude", "system_prompt": "p", "temperature": 0.3, "evaluator": "gpt", "fallbacks": [ { "provider": "openai", "model_name": "gpt" } ] },
                          "b": { "environments": { "Development": { "provider": "anthropic", "model_name": "haiku", "fallbacks": [ { "provider": "ollama" } ] } } },
                          "c": { "provider": "anthropic", "model_name": "claude", "environments": { "development": { "model_name": "codellama" } } } },
              "fallback_settings": { "providers": [ { "provider": "openai", "model_name": "gpt" } ] } }
            """);

        var config = work.LoadGood();

        Assert.Equal(["ollama/qwen", "mock/mock"], Chain(config.Default));
        Assert.Equal(["ollama/qwen", "mock/mock"], Chain(config.Agents["a"]));
        Assert.Equal(("p", "0.3", null), (config.Agents["a"].SystemPrompt, config.Agents["a"].Target.Sampling.Temperature, config.Agents["a"].Evaluator));
        Assert.Equal(["anthropic/haiku", "ollama/qwen", "mock/mock"], Chain(config.Agents["b"]));
        Assert.Equal(["ollama/codellama", "mock/mock"], Chain(config.Agents["c"]));
    }

    [Fact]
    public void Production_Fallbacks_OwnElseSharedThenOllamaOnlyIfSet()
    {
        const string Agents = """
            { "agents": { "own": { "fallbacks": [ { "provider": "anthropic", "model_name": "claude", "temperature": 1 }, { "provider": "internal" } ] }, "shared": { "temperature": 0.2 }, "none": { "fallbacks": [] } },
              "fallback_settings": { "max_retries": 2, "providers": [ { "provider": "openai", "model_name": "gpt", "max_tokens": 5 }, { "provider": "openai", "model_name": "gpt" } ] } }
            """;
        using var work = Work(Agents);
        using var withOllama = Work(Agents, ("OLLAMA_BASE_URL", "http://ollama:11434"), ("LLM_MAX_RETRIES", "1"));

        var config = work.LoadGood();
        var other = withOllama.LoadGood();

        Assert.Equal(["internal/corp-1", "anthropic/claude"], Chain(config.Agents["own"]));
        Assert.Equal(["internal/corp-1", "openai/gpt"], Chain(config.Agents["shared"]));
        Assert.Equal(("0.2", "5"), (config.Agents["shared"].Fallbacks[0].Sampling.Temperature, config.Agents["shared"].Fallbacks[0].Sampling.MaxTokens));
        Assert.Equal(["internal/corp-1"], Chain(config.Agents["none"]));
        Assert.Equal(["internal/corp-1", "openai/gpt", "ollama/llama3.1"], Chain(other.Default));
        Assert.Equal((2, false, 1, true), (config.MaxRetries, config.IsMaxRetriesSet, other.MaxRetries, other.IsMaxRetriesSet));
    }

    [Theory]
    [InlineData("production", new[] { "internal/corp-1" })]
    [InlineData("development", new[] { "ollama/llama3.1", "mock/mock" })]
    public void Fallbacks_SwitchedOff_OnlyDevelopmentsMockStays(string environment, string[] expected)
    {
        using var work = Work(
            """{ "default": { "fallbacks": [ { "provider": "openai", "model_name": "g" } ], "environments": { "development": { "fallbacks": [ { "provider": "openai", "model_name": "g" } ] } } }, "fallback_settings": { "enabled": false } }""",
            ("OLLAMA_BASE_URL", "http://localhost:11434"));
        work.Variables["ENVIRONMENT"] = environment;

        Assert.Equal(expected, Chain(work.LoadGood().Default));
    }

    [Theory]
    [InlineData(null, null, null, null, 60)]
    [InlineData("200", null, null, null, 200)]
    [InlineData("200", "100", null, null, 100)]
    [InlineData("200", "100", "50", null, 50)]
    [InlineData("200", "100", "50", "25", 25)]
    public void Timeout_SeveralSources_NearestWins(string? llm, string? variable, string? provider, string? agent, int expected)
    {
        using var work = new ConfigWorkspace(("LLM_TIMEOUT", variable ?? ""));
        work.Settings($"llm: {{ timeout: {llm ?? "null"} }}\nproviders: {{ ollama: {{ timeout: {provider ?? "~"} }} }}");
        work.Agents($$"""{ "default": { "timeout": {{agent ?? "null"}} } }""");

        var target = work.LoadGood().Default.Target;

        Assert.Equal(TimeSpan.FromSeconds(expected), target.Timeout);
        Assert.Equal(expected == 60 ? TimeSpan.FromSeconds(300) : null, target.FirstTokenTimeout);
    }

    [Fact]
    public void MakeTarget_RequestNamesModel_DefaultProfilesSamplingAndBoundedLabel()
    {
        using var work = Work("""{ "default": { "temperature": 0.4, "timeout": 5 }, "agents": { "a": { "provider": "openai", "model_name": "gpt" } } }""", ("OPENAI_API_KEY", "k"));
        var config = work.LoadGood();

        var known = config.MakeTarget(config.Providers["openai"], "gpt");
        var unknown = config.MakeTarget(config.Providers["openai"], "whatever");

        Assert.Equal(("0.4", TimeSpan.FromSeconds(5), "k", "gpt"), (known.Sampling.Temperature, known.Timeout, known.ApiKey, known.ModelLabel));
        Assert.Equal(("whatever", "other"), (unknown.Model, unknown.ModelLabel));
        Assert.True(config.MakeTarget(config.Providers["internal"], "corp-1").IsConfigured);
    }

    [Fact]
    public void Load_EveryAgentField_IsKept()
    {
        using var work = Work(
            """
            { "agents": { "a": { "top_p": 1e-1, "stop": ["é\"", "b"], "seed": -7, "reasoning_effort": "low", "response_format": "json", "strategy": "best_of_two", "role": "reserve",
                "fallback_on": ["timeout", "auth"], "free_only": true, "cache_ttl": 60, "tools": ["calculator", "mcp:docs"], "allow_model_override": true, "ticket_env": "CRM",
                "evaluator": "judge", "hedge_after_ms": 250 } } }
            """,
            ("CRM", "T-1"),
            ("LLM_TEMPERATURE", "0.70"));
        work.Settings("llm: { model_roles: { reserve: [r] } }\nmcp_servers: { docs: { url: 'http://d' } }");

        var agent = work.LoadGood().Agents["a"];

        Assert.Equal(new SamplingDefaults { Temperature = "0.70", TopP = "1e-1", Stop = "[\"é\\\"\",\"b\"]", Seed = "-7", ReasoningEffort = "\"low\"", WantsJson = true }, agent.Target.Sampling);
        Assert.Equal(("best_of_two", "reserve", true, true, "judge", "T-1"), (agent.Strategy, agent.Role, agent.FreeOnly, agent.AllowsModelOverride, agent.Evaluator, agent.Target.Ticket));
        Assert.Equal((TimeSpan.FromSeconds(60), TimeSpan.FromMilliseconds(250)), (agent.CacheTtl, agent.HedgeAfter));
        Assert.Equal([FailureReason.Timeout, FailureReason.Auth], agent.FallbackOn!.Order());
        Assert.Equal(["calculator", "mcp:docs"], agent.Tools);
    }

    [Theory]
    [InlineData("""{ "default": { "temperature": 2.1 } }""", "default.temperature: must be a number from 0 to 2, found 2.1")]
    [InlineData("""{ "default": { "temprature": 1 } }""", "Did you mean \"temperature\"?")]
    [InlineData("""{ "default": { "top_p": -1 } }""", "default.top_p")]
    [InlineData("""{ "default": { "max_tokens": 0 } }""", "default.max_tokens")]
    [InlineData("""{ "default": { "timeout": 0 } }""", "above 0")]
    [InlineData("""{ "default": { "strategy": "best" } }""", "single, fastest, best_of_two")]
    [InlineData("""{ "default": { "fallback_on": ["cancelled"] } }""", "fallback_on[0]")]
    [InlineData("""{ "default": { "api_key_env": "sk-canary" } }""", "name of a variable")]
    [InlineData("""{ "default": { "role": "primary" } }""", "default.role")]
    [InlineData("""{ "default": { "tools": ["calcualtor"] } }""", "Did you mean \"calculator\"?")]
    [InlineData("""{ "agents": { "bad name": {} } }""", "is not an agent's name")]
    [InlineData("""{ "agents": { "a": { "provider": "antropic" } } }""", "Did you mean \"anthropic\"?")]
    [InlineData("""{ "agents": { "a": { "environments": { "x": { "environments": {} } } } } }""", "agents.a.environments.x.environments")]
    [InlineData("""{ "agents": { "a": { "environments": { "x": { "provider": "nobody" } } } } }""", "agents.a.environments.x.provider")]
    [InlineData("""{ "fallback_settings": { "max_retries": 11 } }""", "fallback_settings.max_retries")]
    [InlineData("""{ "fallback_settings": { "providers": [ { "temperature": 1 } ] } }""", "fallback_settings.providers[0]")]
    public void Load_BadAgents_AreTold(string json, string expected)
    {
        using var work = Work(json);

        var problem = Assert.Single(work.LoadBad());

        Assert.Contains(expected, problem);
        Assert.StartsWith("config/agent_llm_config.json:1:", problem);
        Assert.DoesNotContain("canary", problem);
    }
}
