using LlmGateway.Model;

namespace LlmGateway.Tests.Configuration;

public sealed class ProviderConfigTests
{
    [Fact]
    public void Load_NothingListed_BuiltInProvidersExist()
    {
        using var work = new ConfigWorkspace(("GOOGLE_API_KEY", "g-key"), ("INTERNAL_LLM_BASE_URL", "https://llm.corp/v1"));

        var providers = work.LoadGood().Providers;

        Assert.Equal(["anthropic", "gemini", "google", "internal", "mock", "ollama", "openai", "openrouter"], providers.Keys.Order());
        Assert.Same(providers["gemini"], providers["google"]);
        Assert.Equal("g-key", providers["gemini"].ApiKey);
        Assert.Equal(["GEMINI_API_KEY", "GOOGLE_API_KEY"], providers["gemini"].ApiKeyVariables);
        Assert.True(providers["openai"].NeedsApiKey);
        Assert.False(providers["ollama"].NeedsApiKey || providers["internal"].NeedsApiKey || providers["mock"].NeedsApiKey);
        Assert.Same(IdentityHeaderNames.Default, providers["internal"].IdentityHeaders);
        Assert.Null(providers["openai"].IdentityHeaders);
        Assert.True(providers["internal"].PassesTrace);
        Assert.Equal(("llama3.1", "mock"), (providers["ollama"].DefaultModel, providers["mock"].DefaultModel));
    }

    [Fact]
    public void Load_WholeSettingsFile_IsKept()
    {
        using var work = new ConfigWorkspace(("OPENROUTER_API_KEY", "or-key"));
        work.Settings("""
            llm:
              default_provider: openrouter
              default_model: meta/one
              timeout: 200
              retry_attempts: 1
              strategy: fastest
              circuit: { failures: 3, break_seconds: 10 }
              max_concurrency_per_target: 20
              model_roles:
                primary: [meta/one, local-model]
                duplicate: [meta/two]
                fallback: ["other:free"]
            providers:
              local: { base_url: "http://localhost:1234/v1/", models: [local-model, meta/one] }
              openrouter:
                type: openai
                base_url: https://openrouter.ai/api/v1
                api_key: ${OPENROUTER_API_KEY}
                headers: { X-Title: my-team, X-Number: 7 }
                stream_usage: false
                trace: true
                api_version: 2024-10-21
                http_version: "2"
                timeout: ${T:-30}
                identity_headers: { User-Id: X-Uid }
                models:
                  meta/one: { context_window: 131072, supports_tools: true, free: false, input_cost_per_1m: 0.02, output_cost_per_1m: 0.04, cached_input_cost_per_1m: 0.01 }
                  meta/two:
              broken: { type: mock, behavior: { latency_ms: 5, status: 503, retry_after: 1, reply: hi, fail: error_in_stream } }
            mcp_servers: { docs: { url: "https://mcp.corp/x" }, files: { command: npx, args: [-y, 1], env: { A: "${OPENROUTER_API_KEY}" } } }
            tools: { weather_base_url: "https://w.corp", cache_ttl: 60 }
            """);

        var config = work.LoadGood();

        var provider = config.Providers["openrouter"];
        Assert.Equal(("openai", "or-key", "meta/one", false, true, "2024-10-21"), (provider.Type, provider.ApiKey, provider.DefaultModel, provider.AsksStreamUsage, provider.PassesTrace, provider.ApiVersion));
        Assert.Equal((true, false), (provider.SpeaksHttp2, config.Providers["local"].SpeaksHttp2));
        Assert.Equal(TimeSpan.FromSeconds(30), provider.Timeout);
        Assert.Equal(["my-team", "7"], provider.Headers.Select(header => header.Value));
        Assert.Equal(("X-Uid", "User-Type"), (provider.IdentityHeaders!.UserId, provider.IdentityHeaders.UserType));
        Assert.Equal(new ModelPrice(20_000, 40_000, 10_000), provider.Models["meta/one"].Price);
        Assert.Equal(MockFailure.ErrorInStream, config.Providers["broken"].Behavior.Fail);
        Assert.False(config.Providers["local"].NeedsApiKey);
        Assert.Equal("openrouter", config.ListedModels["meta/one"].Provider.Name);
        Assert.Equal("openrouter/other:free", config.ListedModels["other:free"].ToString());
        Assert.Equal(["openrouter/meta/one", "local/local-model", "openrouter/meta/two", "openrouter/other:free"], config.RoleChains["primary"].Select(target => target.ToString()));
        Assert.Equal(["openrouter/other:free"], config.RoleChains["reserve"].Select(target => target.ToString()));
        Assert.Equal(["openrouter/meta/two"], config.Roles["duplicate"].Select(target => target.ToString()));
        Assert.Equal((1, "fastest", 3, 20), (config.RetryAttempts, config.Strategy, config.Circuit.Failures, config.MaxConcurrencyPerTarget));
        Assert.Equal("or-key", config.McpServers["files"].Environment.Single().Value);
        Assert.Equal(TimeSpan.FromSeconds(60), config.Tools.CacheTtl);
    }

    // What a model looks up would else leave a developer's machine unasked.
    [Theory]
    [InlineData("development", "{}", null, null)]
    [InlineData("development", "tools: { search_base_url: 'http://s' }", null, "http://s/")]
    [InlineData("production", "{}", "https://api.open-meteo.com/", "https://en.wikipedia.org/")]
    [InlineData("staging", "tools: { weather_base_url: 'http://w' }", "http://w/", "https://en.wikipedia.org/")]
    public void Tools_PublicServices_AreTheDefaultOutsideDevelopment(string environment, string yaml, string? weather, string? search)
    {
        using var work = new ConfigWorkspace(("ENVIRONMENT", environment), ("INTERNAL_LLM_BASE_URL", "https://llm.corp/v1"), ("INTERNAL_LLM_MODEL", "m"), ("GATEWAY_AUTH", "none"));
        work.Settings(yaml);

        var tools = work.LoadGood().Tools;

        Assert.Equal((weather, search), (tools.WeatherBaseUrl?.AbsoluteUri, tools.SearchBaseUrl?.AbsoluteUri));
    }

    [Theory]
    [InlineData("providers: { x: { base_url: 'http://h', api_key: sk } }", true)]
    [InlineData("providers: { x: { base_url: 'http://h', api_key: '${NOT_SET}' } }", true)]
    [InlineData("providers: { x: { base_url: 'http://h' } }", false)]
    [InlineData("providers: { x: { base_url: 'https://api.openai.com/v1' } }", true)]
    [InlineData("providers: { x: { type: ollama, base_url: 'http://h' } }", false)]
    public void NeedsApiKey_CustomProvider_ByConfiguration(string yaml, bool expected)
    {
        using var work = new ConfigWorkspace();
        work.Settings(yaml);

        Assert.Equal(expected, work.LoadGood().Providers["x"].NeedsApiKey);
    }

    [Theory]
    [InlineData("2", true)]
    [InlineData("'2'", true)]
    [InlineData("1.1", false)]
    [InlineData("'1.1'", false)]
    public void HttpVersion_QuotedOrNot_IsTheSame(string written, bool expected)
    {
        using var work = new ConfigWorkspace();
        work.Settings($"providers: {{ openai: {{ http_version: {written} }} }}");

        Assert.Equal(expected, work.LoadGood().Providers["openai"].SpeaksHttp2);
    }

    [Fact]
    public void ApiKey_UnsetVariable_IsNoKeyAndNamed()
    {
        using var work = new ConfigWorkspace();
        work.Settings("providers: { x: { base_url: 'http://h', api_key: '${NOT_SET}', models: [m] } }");

        var target = work.LoadGood().ListedModels["m"];

        Assert.True(target.LacksApiKey);
        Assert.Equal(["NOT_SET"], target.ApiKeyVariables);
    }

    [Theory]
    [InlineData("a", "b", "c", "d", "e", "a")]
    [InlineData("", "b", "c", "d", "e", "b")]
    [InlineData("", "", "c", "d", "e", "c")]
    [InlineData("", "", "", "d", "e", "d")]
    [InlineData("", "", "", "", "e", "e")]
    [InlineData("", "", "", "", "", null)]
    public void ApiKey_SeveralSources_OrderOfTheContract(string own, string configured, string usual, string ownInFile, string usualInFile, string? expected)
    {
        using var work = new ConfigWorkspace(("ENVIRONMENT", "production"), ("PREMIUM", own), ("CONFIGURED", configured), ("ANTHROPIC_API_KEY", usual));
        work.Write(".env", $"PREMIUM={ownInFile}\nANTHROPIC_API_KEY={usualInFile}");
        work.Settings("providers: { anthropic: { api_key: '${CONFIGURED}' } }");
        work.Agents("""{ "default": { "provider": "anthropic", "model_name": "m", "api_key_env": "PREMIUM" } }""");

        var target = work.LoadGood().Default.Target;

        Assert.Equal(expected, target.ApiKey);
        Assert.Equal(["PREMIUM", "CONFIGURED", "ANTHROPIC_API_KEY"], target.ApiKeyVariables);
    }

    [Theory]
    [InlineData("providers: { local: { models: [a] } }", "base_url")]
    [InlineData("providers: { openai: { base_url: 'https://u:canary@h' } }", "password")]
    [InlineData("providers: { openai: { base_url: 'https://h?key=canary' } }", "query")]
    [InlineData("providers: { openai: { type: opnai } }", "one of openai")]
    [InlineData("providers: { openai: { http_version: 3 } }", "one of 1.1, 2")]
    [InlineData("providers: { openai: { http_version: 2.0 } }", "one of 1.1, 2")]
    [InlineData("providers: { openai: { headers: { 'bad name': canary } } }", "header")]
    [InlineData("providers: { openai: { headers: { X-A: 'пример' } } }", "printable")]
    [InlineData("providers: { google: {}, gemini: {} }", "twice")]
    [InlineData("providers: { openai: { models: { m: { input_cost_per_1m: 1 } } } }", "Name both")]
    [InlineData("llm: { default_provider: opnai }", "Did you mean \"openai\"")]
    [InlineData("mcp_servers: { a: {} }", "either url or command")]
    public void Load_BadSettings_AreTold(string yaml, string expected)
    {
        using var work = new ConfigWorkspace();
        work.Settings(yaml);

        var problem = Assert.Single(work.LoadBad());

        Assert.Contains(expected, problem);
        Assert.StartsWith("config/llm_settings.yaml:1:", problem);
        Assert.DoesNotContain("canary", problem);
    }
}
