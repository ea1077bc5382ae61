using System.Net;
using System.Text.Json;
using LlmGateway.FunctionalTests.Infrastructure;

namespace LlmGateway.FunctionalTests;

/// <summary>Models of different abilities behind different providers, and what the model tests make of them.</summary>
public sealed class ModelTestsTests : IAsyncDisposable
{
    private const string AdminKey = "admin-0123456789abcdef0123456789abcdef";

    private readonly Canaries _canaries = new();
    private readonly ClosedPort _dead = new();
    private readonly ScriptedProvider _able = ScriptedProvider.OpenAi().AlwaysAnswers(AbleModel.OpenAi(Abilities.All));
    private readonly ScriptedProvider _plain = ScriptedProvider.OpenAi().AlwaysAnswers(AbleModel.OpenAi(Abilities.None));
    private readonly ScriptedProvider _ollama = ScriptedProvider.Ollama().AlwaysAnswers(AbleModel.Ollama(Abilities.Json | Abilities.JsonSchema));
    private readonly ScriptedProvider _anthropic = ScriptedProvider.Anthropic().AlwaysAnswers(AbleModel.Anthropic(Abilities.All & ~Abilities.Vision));

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        _dead.Dispose();
        foreach (var provider in (ScriptedProvider[])[_able, _plain, _ollama, _anthropic])
        {
            await provider.DisposeAsync();
        }
    }

    [Fact]
    public async Task The_command_reports_every_model_and_writes_what_it_found()
    {
        using var folder = new GatewayFolder();
        var settings = Settings();
        folder.Rewrite(GatewayFolder.Settings, settings);
        folder.Rewrite(GatewayFolder.Agents, """{ "agents": { "writer": { "provider": "able", "model_name": "able-1" }, "poor": { "provider": "openai", "model_name": "gpt-x" } } }""");
        await using var process = GatewayProcess.Start(folder, ["test-models", "--format", "json", "--output", "report.json", "--write-capabilities"], Variables());

        var exitCode = await process.WaitForExitAsync();
        Assert.True(exitCode == 0, process.AllText);

        var text = await File.ReadAllTextAsync(Path.Combine(folder.Path, "report.json"), Cancellation);
        using var document = JsonDocument.Parse(text);
        var models = document.RootElement.GetProperty("models").EnumerateArray().ToDictionary(model => model.GetProperty("provider").GetString()!);
        Assert.Equal(["able", "anthropic", "gone", "local", "openai", "plain"], models.Keys.Order(StringComparer.Ordinal));
        Assert.Equal("available chat streaming tools parallel_tools json json_schema vision usage stop_reason cancel", With(models["able"], "passed"));
        Assert.Equal("available chat streaming stop_reason cancel", With(models["plain"], "passed"));
        Assert.Equal("tools json json_schema vision usage", With(models["plain"], "failed"));
        Assert.Equal("available chat streaming json json_schema usage stop_reason cancel", With(models["local"], "passed"));
        Assert.Equal("tools vision", With(models["local"], "failed"));
        Assert.Equal("available chat streaming tools parallel_tools json json_schema usage stop_reason cancel", With(models["anthropic"], "passed"));
        Assert.Equal("available", With(models["gone"], "failed"));
        Assert.Equal(10, models["gone"].GetProperty("probes").EnumerateArray().Count(probe => probe.GetProperty("status").GetString() == "skipped"));
        Assert.Contains("OPENAI_API_KEY", Probe(models["openai"], "available").GetProperty("detail").GetString());
        Assert.Equal(["default", "writer"], models["able"].GetProperty("agents").EnumerateArray().Select(name => name.GetString()));
        Assert.True(models["able"].GetProperty("time_to_first_token").GetInt64() >= 0);
        Assert.Equal((8, 0), (models["able"].GetProperty("success_count").GetInt32(), models["able"].GetProperty("error_count").GetInt32()));
        Assert.Equal((0, 1), (models["gone"].GetProperty("success_count").GetInt32(), models["gone"].GetProperty("error_count").GetInt32()));
        Assert.Equal(["able"], Recommended(document, "primary"));
        Assert.Equal(["anthropic"], Recommended(document, "duplicate"));
        Assert.Equal(["local"], Recommended(document, "reserve"));
        Assert.Equal(["plain"], Recommended(document, "fallback"));

        Assert.Equal(
            settings
                .Replace("[able-1] # best", "{ able-1: { supports_tools: true, supports_vision: true, supports_json_schema: true } } # best", StringComparison.Ordinal)
                .Replace("plain-1: { free: true }", "plain-1: { free: true, supports_tools: false, supports_vision: false, supports_json_schema: false }", StringComparison.Ordinal)
                .Replace("llama3.1: {}", "llama3.1: { supports_tools: false, supports_vision: false, supports_json_schema: true }", StringComparison.Ordinal)
                .Replace("claude-1:\n        supports_tools: false # guessed\n", "claude-1:\n        supports_tools: true # guessed\n        supports_vision: false\n        supports_json_schema: true\n", StringComparison.Ordinal),
            await File.ReadAllTextAsync(folder.File(GatewayFolder.Settings), Cancellation));
        Assert.Contains(process.Errors.Split('\n'), line => line.Contains("gone/gone-1 available: failed", StringComparison.Ordinal) && line.EndsWith("(connection)", StringComparison.Ordinal));
        Assert.Contains(process.Errors.Split('\n'), line => line.Contains("able/able-1 tools: passed", StringComparison.Ordinal));
        Assert.Empty(process.Output);
        _canaries.AssertNoCanary(process.AllText + text);
    }

    /// <summary>The provider is what counts the tokens of a stream that nobody reads: it must see the end.</summary>
    [Fact]
    public async Task A_cancelled_stream_ends_at_the_provider()
    {
        using var folder = new GatewayFolder();
        folder.Rewrite(GatewayFolder.Settings, Settings());
        await using var process = GatewayProcess.Start(folder, ["test-models", "--provider", "able"], Variables());

        Assert.Equal(0, await process.WaitForExitAsync());

        var endless = Assert.Single(_able.Requests, request => request.Text.Contains("three hundred", StringComparison.Ordinal));
        await endless.WaitForPeerCloseAsync();
        Assert.True(endless.Tally.WasCutByPeer);
        Assert.Empty(_plain.Requests);
        var report = string.Join('\n', process.Output);
        Assert.StartsWith("# Model test report", report);
        Assert.Contains("| `able/able-1` | yes | yes | yes | yes | yes | yes | yes | yes | yes | yes | yes |", report);
        Assert.Contains("- **primary**: `able/able-1`: ", report);
        _canaries.AssertNoCanary(process.AllText);
    }

    [Fact]
    public async Task A_provider_without_models_is_an_error_that_names_the_others()
    {
        using var folder = new GatewayFolder();
        folder.Rewrite(GatewayFolder.Settings, Settings());
        await using var process = GatewayProcess.Start(folder, ["test-models", "--provider", "nobody"], Variables());

        Assert.Equal(1, await process.WaitForExitAsync());

        Assert.Contains("\"nobody\"", process.Errors);
        Assert.Contains("able", process.Errors);
    }

    [Theory]
    [InlineData("frobnicate")]
    [InlineData("check", "--fast")]
    [InlineData("test-models", "--format", "xml")]
    [InlineData("serve", "--urls")]
    public async Task What_the_command_line_does_not_know_ends_with_64(params string[] arguments)
    {
        using var folder = new GatewayFolder();
        await using var process = GatewayProcess.Start(folder, arguments);

        Assert.Equal(64, await process.WaitForExitAsync());

        Assert.Contains(arguments[^1], process.Errors);
        Assert.Contains("Verbs: serve (default), test-models, check, health", process.Errors);
        Assert.Empty(process.Output);
    }

    [Fact]
    public async Task Serve_is_the_same_as_no_verb()
    {
        using var folder = new GatewayFolder();
        await using var process = GatewayProcess.Start(folder, ["serve", "--urls", "http://127.0.0.1:0"], ("OLLAMA_BASE_URL", GatewayUnderTest.NoProvider));
        await process.WaitForStartAsync();

        using var response = await process.Client.GetAsync(new Uri("/health/live", UriKind.Relative), Cancellation);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    [Fact]
    public async Task Help_names_verbs_and_options()
    {
        using var folder = new GatewayFolder();
        await using var process = GatewayProcess.Start(folder, ["--help"]);
        await using var more = GatewayProcess.Start(folder, ["test-models", "--help"]);

        Assert.Equal((0, 0), (await process.WaitForExitAsync(), await more.WaitForExitAsync()));

        Assert.All(["--urls", "serve", "test-models", "check", "health"], word => Assert.Contains(word, process.AllText));
        Assert.All(["--format", "--output", "--provider", "--write-capabilities", "markdown"], word => Assert.Contains(word, more.AllText));
    }

    [Fact]
    public async Task Administration_runs_the_tests_for_one_provider_or_all()
    {
        await using var gateway = await Gateway().StartAsync();

        using var json = await gateway.SendAsync("/admin/model-tests", """{"provider":"plain"}""", Admin);
        using var request = new HttpRequestMessage(HttpMethod.Post, "/admin/model-tests");
        request.Headers.TryAddWithoutValidation("Authorization", "Bearer " + AdminKey);
        request.Headers.TryAddWithoutValidation("Accept", "text/markdown");
        using var markdown = await gateway.Client.SendAsync(request, Cancellation);

        Assert.Equal((HttpStatusCode.OK, "application/json"), (json.StatusCode, json.Content.Headers.ContentType?.MediaType));
        using var document = JsonDocument.Parse(await json.Content.ReadAsStringAsync(Cancellation));
        Assert.Equal("plain", Assert.Single(document.RootElement.GetProperty("models").EnumerateArray()).GetProperty("provider").GetString());
        Assert.Equal((HttpStatusCode.OK, "text/markdown"), (markdown.StatusCode, markdown.Content.Headers.ContentType?.MediaType));
        var report = await markdown.Content.ReadAsStringAsync(Cancellation);
        Assert.StartsWith("# Model test report", report);
        Assert.All(["able/able-1", "plain/plain-1", "local/llama3.1", "anthropic/claude-1", "gone/gone-1"], model => Assert.Contains($"`{model}`", report));
        _canaries.AssertNoCanary(document.RootElement.GetRawText() + report + gateway.Log.Text);
    }

    /// <summary>Their cost is real, and theirs alone: no client key pays for it.</summary>
    [Fact]
    public async Task Calls_of_the_tests_are_recorded_under_a_name_of_their_own()
    {
        await using var gateway = await Gateway().StartAsync();

        using var response = await gateway.SendAsync("/admin/model-tests", """{"provider":"able"}""", Admin);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        var rows = await gateway.Ledger.WaitForRequestsAsync(8);
        Assert.All(rows, row => Assert.Equal("model-tests", row["agent"]));
    }

    [Theory]
    [InlineData("""{"provder":"able"}""", 400, "provder")]
    [InlineData("""{"provider":7}""", 400, "expected a string")]
    [InlineData("""{"provider":"nobody"}""", 400, "No model of this provider")]
    [InlineData("[]", 400, "invalid_json")]
    [InlineData("{", 400, "invalid_json")]
    public async Task What_is_wrong_with_the_body_is_told(string body, int status, string expected)
    {
        await using var gateway = await Gateway().StartAsync();

        using var response = await gateway.SendAsync("/admin/model-tests", body, Admin);

        Assert.Equal(status, (int)response.StatusCode);
        Assert.Contains(expected, await response.Content.ReadAsStringAsync(Cancellation));
        Assert.Empty(_able.Requests);
    }

    [Fact]
    public async Task A_client_key_does_not_administrate()
    {
        await using var gateway = await Gateway().StartAsync();

        using var response = await gateway.SendAsync("/admin/model-tests", "{}", ("Authorization", "Bearer sk-client-of-the-tests"));

        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);
        Assert.Empty(_able.Requests);
    }

    private static (string Name, string Value) Admin => ("Authorization", "Bearer " + AdminKey);

    private GatewayUnderTest Gateway()
    {
        var gateway = new GatewayUnderTest().WithSettings(Settings());
        foreach (var (name, value) in Variables())
        {
            gateway.WithVariable(name, value);
        }

        return gateway.WithVariable("ADMIN_API_KEY", AdminKey).WithVariable("GATEWAY_API_KEYS", "crm:sk-client-of-the-tests");
    }

    private string Settings() =>
        $$"""
        # what we have
        llm: { default_provider: able, timeout: 30, circuit: { failures: 1, break_seconds: 30 } }
        providers:
          able:
            base_url: {{_able.BaseUrl}}/v1
            api_key: ${ABLE_KEY}
            models: [able-1] # best
          plain: # cheap
            base_url: {{_plain.BaseUrl}}/v1
            models:
              plain-1: { free: true } # no tools
          local:
            type: ollama
            base_url: {{_ollama.BaseUrl}}
            models:
              llama3.1: {}
          anthropic:
            base_url: {{_anthropic.BaseUrl}}
            api_key: ${CLAUDE_KEY}
            models:
              claude-1:
                supports_tools: false # guessed
          gone: { base_url: "{{_dead.BaseUrl}}", models: [gone-1] }

        """;

    private (string Name, string Value)[] Variables() =>
    [
        ("ENVIRONMENT", "production"),
        ("ABLE_KEY", _canaries.New("sk-able")),
        ("CLAUDE_KEY", _canaries.New("sk-ant")),
    ];

    private static string With(JsonElement model, string status) => string.Join(' ', model.GetProperty("probes").EnumerateArray()
        .Where(probe => probe.GetProperty("status").GetString() == status)
        .Select(probe => probe.GetProperty("name").GetString()));

    private static JsonElement Probe(JsonElement model, string name) => model.GetProperty("probes").EnumerateArray().Single(probe => probe.GetProperty("name").GetString() == name);

    private static IEnumerable<string?> Recommended(JsonDocument report, string role) =>
        report.RootElement.GetProperty("recommendation").GetProperty(role).EnumerateArray().Select(model => model.GetProperty("provider").GetString());
}
