using LlmGateway.FunctionalTests.Infrastructure;

namespace LlmGateway.FunctionalTests;

/// <summary>The verb <c>check</c>: 0 where all is well, 1 and what to do for each thing that is not.</summary>
public sealed class CheckTests : IDisposable
{
    private const string Ticket = "x-dep-ticket";

    private readonly GatewayFolder _folder = new();
    private readonly Canaries _canaries = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_healthy_production_ends_with_0_and_shows_no_secret()
    {
        var (key, ticket, mcpKey) = (_canaries.New("sk-internal"), _canaries.New("ticket"), _canaries.New("mcp"));
        await using var provider = ScriptedProvider.OpenAi().Always("GET /v1/models", _ => Script.Json("""{"object":"list","data":[{"id":"corp-large"},{"id":"corp-small"}]}"""));
        await using var tools = ScriptedProvider.Anything().Always("GET /mcp", _ => Script.Json("{}", 405));
        _folder.Rewrite(GatewayFolder.Settings, $$"""mcp_servers: { docs: { url: "{{tools.BaseUrl}}/mcp", headers: { Authorization: "Bearer ${MCP_KEY}" } }, files: { command: dotnet } }""");

        var (exitCode, output) = await CheckAsync(
            ("ENVIRONMENT", "production"), ("INTERNAL_LLM_BASE_URL", provider.BaseUrl), ("INTERNAL_LLM_MODEL", "corp-large"), ("INTERNAL_LLM_API_KEY", key),
            ("INTERNAL_LLM_TICKET", ticket), ("USER_ID", "svc"), ("GATEWAY_API_KEYS", "crm:" + _canaries.New("sk-client")), ("ADMIN_API_KEY", _canaries.New("admin")), ("MCP_KEY", mcpKey));

        Assert.Equal((0, "All is well."), (exitCode, output.Split('\n')[^1]));
        Assert.Contains("ok    ENVIRONMENT: production", output);
        Assert.Contains("ok    config/llm_settings.yaml: valid", output);
        Assert.Contains("ok    config/agent_llm_config.json: not there; built-in defaults are used", output);
        Assert.Contains("ok    client keys: 1 (crm)", output);
        Assert.Contains("ok    internal: set (INTERNAL_LLM_API_KEY)", output);
        Assert.Contains($"ok    internal: reachable at {provider.BaseUrl}, and takes the key", output);
        Assert.Contains("ok    internal/corp-large: is there", output);
        Assert.Contains("ok    REDIS_URL: not set", output);
        Assert.Contains("ok    DATABASE_URL: SQLite, made at the first start", output);
        Assert.Contains($"ok    docs: reachable at {tools.BaseUrl}", output);
        Assert.Contains("ok    files: its command is /", output);
        var asked = Assert.Single(provider.Requests);
        Assert.Equal(("GET", "Bearer " + key, ticket, "svc"), (asked.Method, asked.Header("Authorization"), asked.Header(Ticket), asked.Header("User-Id")));
        Assert.Equal("Bearer " + mcpKey, Assert.Single(tools.Requests).Header("Authorization"));
        Assert.False(Directory.Exists(Path.Combine(_folder.Path, "data")));
        _canaries.AssertNoCanary(output);
    }

    [Fact]
    public async Task A_healthy_Ollama_has_the_model()
    {
        await using var ollama = ScriptedProvider.Ollama().Always("GET /api/tags", _ => Script.Json("""{"models":[{"name":"llama3.1:latest","model":"llama3.1:latest"}]}"""));

        var (exitCode, output) = await CheckAsync(("OLLAMA_BASE_URL", ollama.BaseUrl));

        Assert.Equal(0, exitCode);
        Assert.Contains("ok    ollama/llama3.1: is there", output);
    }

    [Fact]
    public async Task A_model_that_is_not_pulled_is_named_with_the_command()
    {
        await using var ollama = ScriptedProvider.Ollama().Always("GET /api/tags", _ => Script.Json("""{"models":[{"name":"llama3.1:70b"}]}"""));

        await AssertFailsAsync(["FAIL  ollama/llama3.1: the model is not there", "→ Run: ollama pull llama3.1"], ("OLLAMA_BASE_URL", ollama.BaseUrl));
    }

    [Fact]
    public async Task A_provider_that_is_away_is_a_failure()
    {
        using var dead = new ClosedPort();

        await AssertFailsAsync([$"FAIL  ollama: cannot be reached at {dead.BaseUrl}", "→ Start it (ollama serve), or set OLLAMA_BASE_URL."], ("OLLAMA_BASE_URL", dead.BaseUrl));
    }

    [Theory]
    [InlineData(401, "{}", "refuses the key (status 401)", "Check the value of LOCAL_KEY.")]
    [InlineData(403, "{}", "refuses the key (status 403)", "Check the value of LOCAL_KEY.")]
    [InlineData(503, "{}", "is there and fails (status 503)", "try again later")]
    [InlineData(302, "{}", "leads elsewhere (status 302)", "base_url")]
    [InlineData(200, """{"data":[{"id":"other-1"},{"id":"other-2"}]}""", "the provider does not list the model", "It has other-1, other-2.")]
    public async Task What_a_provider_says_against_it_is_a_failure(int status, string body, string message, string remedy)
    {
        await using var provider = ScriptedProvider.OpenAi().Always("GET /v1/models", _ => Script.Json(body, status));
        var (exitCode, output) = await CheckLocalAsync(provider);

        Assert.Equal(1, exitCode);
        Assert.Contains(message, output);
        Assert.Contains(remedy, output);
        _canaries.AssertNoCanary(output);
    }

    /// <summary>Many servers have no such list; that is no fault of theirs.</summary>
    [Fact]
    public async Task A_provider_without_a_list_of_models_is_well()
    {
        await using var provider = ScriptedProvider.OpenAi().Always("GET /v1/models", _ => Script.Json("{}", 404));

        var (exitCode, output) = await CheckLocalAsync(provider);

        Assert.Equal(0, exitCode);
        Assert.Contains("it has no list of models, so key and models show at the first call", output);
    }

    /// <summary>A list that names nothing says nothing of the model that is configured.</summary>
    [Fact]
    public async Task A_provider_with_an_empty_list_of_models_is_well()
    {
        await using var provider = ScriptedProvider.OpenAi().Always("GET /v1/models", _ => Script.Json("""{"object":"list","data":[]}"""));

        var (exitCode, output) = await CheckLocalAsync(provider);

        Assert.Equal(0, exitCode);
        Assert.Contains("lists no models, so they show at the first call", output);
    }

    [Fact]
    public async Task A_provider_that_does_not_answer_costs_a_bounded_time()
    {
        await using var provider = ScriptedProvider.OpenAi().Always("GET /v1/models", _ => Script.NeverAnswer());

        var (exitCode, output) = await CheckLocalAsync(provider);

        Assert.Equal(1, exitCode);
        Assert.Contains($"FAIL  local: does not answer at {provider.BaseUrl} within 5 seconds", output);
        Assert.Single(provider.Requests);
    }

    /// <summary>OpenRouter's list is open to everybody; its key has a question of its own.</summary>
    [Fact]
    public async Task A_key_is_asked_after_where_the_list_does_not_show_it()
    {
        await using var provider = ScriptedProvider.OpenAi()
            .Always("GET /v1/models", _ => Script.Json("""{"data":[{"id":"m-1"}]}"""))
            .Always("GET /v1/key", _ => Script.Json("{}", 401));

        var (exitCode, output) = await CheckLocalAsync(provider, "openrouter");

        Assert.Equal(1, exitCode);
        Assert.Contains("FAIL  local: refuses the key (status 401)", output);
        Assert.Contains("ok    local/m-1: is there", output);
    }

    [Fact]
    public async Task Anthropic_and_Gemini_are_asked_in_their_own_way()
    {
        var (claude, gemini) = (_canaries.New("sk-ant"), _canaries.New("AIza"));
        await using var anthropic = ScriptedProvider.Anthropic().Always("GET /v1/models", _ => Script.Json("""{"data":[{"id":"claude-x-1-20260101"}],"has_more":false}"""));
        await using var google = ScriptedProvider.Gemini().Always("GET /v1beta/models", _ => Script.Json("""{"models":[{"name":"models/gemini-x"}]}"""));
        _folder.Rewrite(GatewayFolder.Settings, $$"""
            llm: { default_provider: anthropic }
            providers:
              anthropic: { base_url: "{{anthropic.BaseUrl}}", api_key: "${CLAUDE_KEY}", models: [claude-x-1] }
              gemini: { base_url: "{{google.BaseUrl}}", api_key: "${GEM_KEY}", models: [gemini-x] }
            """);

        var (exitCode, output) = await CheckAsync(("ENVIRONMENT", "production"), ("GATEWAY_AUTH", "none"), ("CLAUDE_KEY", claude), ("GEM_KEY", gemini));

        Assert.Equal(0, exitCode);
        Assert.Contains("ok    anthropic/claude-x-1: is there", output);
        Assert.Contains("ok    gemini/gemini-x: is there", output);
        Assert.Equal(claude, Assert.Single(anthropic.Requests).Header("x-api-key"));
        Assert.Equal(gemini, Assert.Single(google.Requests).Header("x-goog-api-key"));
        _canaries.AssertNoCanary(output);
    }

    [Fact]
    public async Task A_missing_key_is_named_by_its_variable()
    {
        _folder.Rewrite(GatewayFolder.Agents, """{ "agents": { "writer": { "provider": "openai", "model_name": "gpt-x", "api_key_env": "PREMIUM_KEY" } }, "default": { "provider": "mock", "model_name": "mock" } }""");

        await AssertFailsAsync(
            ["FAIL  openai: no key, so these are left out with missing_api_key: gpt-x", "→ Set PREMIUM_KEY or OPENAI_API_KEY, in the environment or in .env."],
            ("ENVIRONMENT", "production"), ("GATEWAY_AUTH", "none"));
    }

    [Fact]
    public async Task A_file_that_does_not_parse_is_named_with_its_line()
    {
        _folder.Rewrite(GatewayFolder.Settings, "llm:\n  strategy: single\n  timout: 3\n");

        await AssertFailsAsync(["FAIL  config/llm_settings.yaml:3 llm.timout: is not known here", "→ Did you mean \"timeout\"?"]);
    }

    [Theory]
    [InlineData("LLM_TIMEOUT", "soon", "LLM_TIMEOUT")]
    [InlineData("REDIS_URL", "http://localhost", "REDIS_URL")]
    [InlineData("DATABASE_URL", "mysql://localhost", "DATABASE_URL")]
    [InlineData("ASPNETCORE_URLS", "nonsense", "--urls")]
    [InlineData("ASPNETCORE_URLS", "http://0.0.0.0:8080", "GATEWAY_API_KEYS")]
    [InlineData("ENVIRONMENT", "production", "INTERNAL_LLM_BASE_URL")]
    [InlineData("AGENT_LLM_CONFIG", "elsewhere.json", "elsewhere.json")]
    public async Task A_setting_that_cannot_be_is_named(string name, string value, string expected) => await AssertFailsAsync([expected], (name, value));

    [Fact]
    public async Task A_Redis_that_is_away_is_a_failure()
    {
        using var dead = new ClosedPort();
        var address = new Uri(dead.BaseUrl).Authority;

        await AssertFailsAsync([$"FAIL  REDIS_URL: Redis does not answer at {address}", "→ Start it"], ("REDIS_URL", $"redis://:{_canaries.New("redis")}@{address}/1"));
    }

    [Fact]
    public async Task A_PostgreSQL_that_is_away_is_a_failure()
    {
        using var dead = new ClosedPort();
        var address = new Uri(dead.BaseUrl).Authority;

        await AssertFailsAsync([$"FAIL  DATABASE_URL: PostgreSQL does not answer at {address}, database ledger", "→ Start it"], ("DATABASE_URL", $"postgres://gateway:{_canaries.New("pg")}@{address}/ledger"));
    }

    [Theory]
    [InlineData("sqlite:config/llm_settings.yaml/gateway.db", "cannot be written")]
    [InlineData("sqlite:config/llm_settings.yaml", "is not a whole SQLite database")]
    public async Task A_database_file_that_cannot_be_is_a_failure(string url, string expected)
    {
        _folder.Rewrite(GatewayFolder.Settings, "# " + new string('x', 2000));

        await AssertFailsAsync(["FAIL  DATABASE_URL: ", expected], ("DATABASE_URL", url));
    }

    [Fact]
    public async Task Tool_servers_that_are_not_there_are_failures()
    {
        using var dead = new ClosedPort();
        await using var strict = ScriptedProvider.Anything().Always("GET /mcp", _ => Script.Json("{}", 401));
        _folder.Rewrite(GatewayFolder.Settings, $$"""
            mcp_servers:
              away: { url: "{{dead.BaseUrl}}/mcp" }
              strict: { url: "{{strict.BaseUrl}}/mcp" }
              files: { command: no-such-command-anywhere }
              path: { command: ./no-such-program }
            """);

        await AssertFailsAsync(
        [
            $"FAIL  away: cannot be reached at {dead.BaseUrl}",
            "FAIL  strict: refuses the gateway (status 401)",
            "FAIL  files: its command \"no-such-command-anywhere\" is not found",
            "→ Install it, or write its whole path; it is looked for in PATH.",
            "FAIL  path: its command \"./no-such-program\" is not found",
        ]);
    }

    private async Task<(int ExitCode, string Output)> CheckLocalAsync(ScriptedProvider provider, string type = "openai")
    {
        _folder.Rewrite(GatewayFolder.Settings, $$"""
            llm: { default_provider: local }
            providers:
              local: { type: {{type}}, base_url: "{{provider.BaseUrl}}", api_key: "${LOCAL_KEY}", models: [m-1] }
            """);
        return await CheckAsync(("ENVIRONMENT", "production"), ("GATEWAY_AUTH", "none"), ("LOCAL_KEY", _canaries.New("sk-local")));
    }

    private async Task AssertFailsAsync(string[] sentences, params (string Name, string Value)[] variables)
    {
        var (exitCode, output) = await CheckAsync(variables);

        Assert.Equal(1, exitCode);
        Assert.All(sentences, sentence => Assert.Contains(sentence, output));
        Assert.Contains("to mend", output.Split('\n')[^1]);
        _canaries.AssertNoCanary(output);
    }

    private async Task<(int ExitCode, string Output)> CheckAsync(params (string Name, string Value)[] variables)
    {
        await using var process = GatewayProcess.Start(
            _folder, ["check"], variables);
        var exitCode = await process.WaitForExitAsync();
        Assert.Equal("", process.Errors);
        return (exitCode, string.Join('\n', process.Output));
    }
}
