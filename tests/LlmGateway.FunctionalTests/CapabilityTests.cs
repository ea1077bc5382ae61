using System.Text.Json;
using LlmGateway.FunctionalTests.Infrastructure;

namespace LlmGateway.FunctionalTests;

/// <summary>Who is left out because the model cannot serve the request, and who may answer where another found the prompt too long or refused it.</summary>
public sealed class CapabilityTests
{
    private const string Tools = ""","tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object"}}}]""";
    private const string Schema = ""","response_format":{"type":"json_schema","json_schema":{"name":"s","schema":{"type":"object"}}}""";

    [Theory]
    [InlineData(Tools, "supports_tools: false", "tools", "tools")]
    [InlineData(Schema, "supports_json_schema: false", "schema", "response_format")]
    [InlineData("", "context_window: 5", "window of 5", "messages")]
    public async Task A_model_that_lacks_what_is_needed_is_left_out(string more, string capability, string word, string param)
    {
        await using var stage = await StageAsync($"small: {{ {capability} }}, large: {{}}");
        stage.Second.Answers(ProductionStage.Answer(isStreaming: false, "{}"));

        var answer = await stage.AskAsync(ProductionStage.Body(false, more: more), ("X-Agent-Profile", "chain"));
        var alone = await stage.AskAsync(ProductionStage.Body(false, more: more), ("X-Agent-Profile", "alone"));

        answer.AssertAnswered("{}");
        Assert.Equal(("large", "1", "unsupported"), (answer.Header("x-llm-model"), answer.Header("x-llm-attempts"), answer.Header("x-llm-fallback-reason")));
        alone.AssertError(400, "unsupported_by_any_target");
        Assert.Contains(word, alone.ErrorMessage, StringComparison.Ordinal);
        Assert.Equal(param, alone.Error.GetProperty("param").GetString());
        Assert.Single(stage.Second.Requests);
    }

    [Fact]
    public async Task The_reason_is_explained()
    {
        await using var stage = await StageAsync("small: { supports_tools: false }, large: {}");

        using var response = await stage.Gateway.SendAsync("/admin/explain", """{"agent":"chain","tools":true}""", ("Authorization", "Bearer " + AdminKey));
        using var document = JsonDocument.Parse(await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));

        var skipped = Assert.Single(document.RootElement.GetProperty("skipped").EnumerateArray());
        Assert.Equal(("small", "unsupported", "the model takes no tools"), (skipped.GetProperty("model").GetString(), skipped.GetProperty("reason").GetString(), skipped.GetProperty("explanation").GetString()));
        Assert.Equal("large", document.RootElement.GetProperty("targets")[0].GetProperty("model").GetString());
    }

    [Fact]
    public async Task An_open_circuit_is_explained()
    {
        await using var stage = await StageAsync("small: {}, large: {}", "circuit: { failures: 1, break_seconds: 60 }");
        stage.Second.Answers(Script.Json("{}", 500), ProductionStage.Answer(isStreaming: false));
        (await stage.AskAsync(ProductionStage.Body(false), ("X-Agent-Profile", "chain"))).AssertAnswered("Well met");

        using var response = await stage.Gateway.SendAsync("/admin/explain", """{"agent":"chain"}""", ("Authorization", "Bearer " + AdminKey));
        using var document = JsonDocument.Parse(await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));

        var skipped = Assert.Single(document.RootElement.GetProperty("skipped").EnumerateArray());
        Assert.Equal(("small", "circuit_open"), (skipped.GetProperty("model").GetString(), skipped.GetProperty("reason").GetString()));
    }

    [Fact]
    public async Task Free_only_leaves_out_what_costs()
    {
        await using var stage = await StageAsync("small: { input_cost_per_1m: 1, output_cost_per_1m: 1 }, large: { free: true }");
        stage.Second.Answers(ProductionStage.Answer(isStreaming: false));

        var answer = await stage.AskAsync(ProductionStage.Body(false), ("X-Agent-Profile", "free"));

        answer.AssertAnswered("Well met");
        Assert.Equal(("large", "unsupported"), (answer.Header("x-llm-model"), answer.Header("x-llm-fallback-reason")));
    }

    [Theory]
    [InlineData("small: { context_window: 8000 }, large: { context_window: 16000 }", 2)]
    [InlineData("small: { context_window: 8000 }, large: {}", 2)]
    [InlineData("small: {}, large: { context_window: 100 }", 2)]
    [InlineData("small: { context_window: 8000 }, large: { context_window: 8000 }", 1)]
    [InlineData("small: { context_window: 8000 }, large: { context_window: 4000 }", 1)]
    public async Task Too_long_a_prompt_goes_on_to_a_larger_window(string models, int asked)
    {
        await using var stage = await StageAsync(models);
        stage.Second.Answers(Script.Json(OpenAiReplies.Error("too long", "invalid_request_error", "context_length_exceeded"), 400));
        if (asked == 2)
        {
            stage.Second.Answers(ProductionStage.Answer(isStreaming: false));
        }

        var answer = await stage.AskAsync(ProductionStage.Body(false), ("X-Agent-Profile", "chain"));

        Assert.Equal(asked, stage.Second.Requests.Count);
        if (asked == 2)
        {
            answer.AssertAnswered("Well met");
        }
        else
        {
            answer.AssertError(400, "context_length_exceeded");
        }
    }

    [Fact]
    public async Task A_refused_prompt_goes_on_to_another_provider_alone()
    {
        await using var stage = await StageAsync("small: {}, large: {}");
        stage.Second.Answers(Script.Json(OpenAiReplies.Error("refused", "invalid_request_error", "content_filter"), 400));
        stage.First.Answers(ProductionStage.Answer(isStreaming: false));

        var answer = await stage.AskAsync(ProductionStage.Body(false), ("X-Agent-Profile", "three"));

        answer.AssertAnswered("Well met");
        Assert.Equal(("internal", "2"), (answer.Header("x-llm-provider"), answer.Header("x-llm-attempts")));
        Assert.Single(stage.Second.Requests);
    }

    [Fact]
    public async Task A_role_chain_goes_through_to_its_end()
    {
        await using var stage = await StageAsync(
            "a: {}, b: {}, c: {}, d: {}, e: {}, small: {}, large: {}", "default_provider: backup, model_roles: { primary: [a, b], duplicate: [c], reserve: [d], fallback: [e] }");
        stage.Second.AlwaysAnswers(_ => Script.Chosen(request =>
            request.Json().GetProperty("model").GetString() == "e" ? ProductionStage.Answer(isStreaming: false) : Script.Json("{}", 500)));

        var named = await stage.AskAsync(ProductionStage.Body(false, model: "role:primary"));
        var later = await stage.AskAsync(ProductionStage.Body(false, model: "role:reserve"));

        named.AssertAnswered("Well met");
        Assert.Equal(("e", "5"), (named.Header("x-llm-model"), named.Header("x-llm-attempts")));
        Assert.Equal(("e", "2"), (later.Header("x-llm-model"), later.Header("x-llm-attempts")));
        Assert.Equal(["a", "b", "c", "d", "e", "d", "e"], stage.Second.Requests.Select(request => request.Json().GetProperty("model").GetString()));
    }

    private const string AdminKey = "admin-0123456789abcdef0123456789abcdef";

    private static Task<ProductionStage> StageAsync(string models, string llm = "timeout: 20") => ProductionStage.StartAsync(
        ProductionStage.Agents(fallback: "", agents:
            """
            "alone": { "provider": "backup", "model_name": "small" },
            "chain": { "provider": "backup", "model_name": "small", "fallbacks": [ { "provider": "backup", "model_name": "large" } ] },
            "free": { "provider": "backup", "model_name": "small", "free_only": true, "fallbacks": [ { "provider": "backup", "model_name": "large" } ] },
            "three": { "provider": "backup", "model_name": "small", "fallbacks": [ { "provider": "backup", "model_name": "large" }, { "provider": "internal", "model_name": "internal-model" } ] }
            """),
        stage => stage.Gateway.WithVariable("ADMIN_API_KEY", AdminKey).WithSettings(
            $$"""
            llm: { {{llm}} }
            providers:
              backup: { type: openai, base_url: "{{stage.Second.BaseUrl}}", api_key: "${BACKUP_KEY}", models: { {{models}} } }
            """));
}
