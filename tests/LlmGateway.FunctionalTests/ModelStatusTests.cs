using System.Text.Json;
using LlmGateway.FunctionalTests.Infrastructure;

namespace LlmGateway.FunctionalTests;

/// <summary>What an operator sees of models and providers.</summary>
public sealed class ModelStatusTests
{
    private const string AdminKey = "admin-0123456789abcdef0123456789abcdef";

    [Fact]
    public async Task Models_tell_how_their_calls_have_gone()
    {
        await using var stage = await StageAsync();
        stage.First.Answers(OpenAiReplies.Stream("Well ", "met"), Script.Json(OpenAiReplies.Error("key sk-secret-1234567890"), 503), Script.Json("{}", 400));
        stage.Second.Answers(ProductionStage.Answer(isStreaming: false), Script.Json("{}", 500), ProductionStage.Answer(isStreaming: false));
        (await stage.AskAsync(isStreaming: true)).AssertAnswered("Well met");
        (await stage.AskAsync(isStreaming: false)).AssertAnswered("Well met");
        (await stage.AskAsync(isStreaming: false)).AssertError(400, "invalid_request");
        await stage.AskAsync(ProductionStage.Body(false, model: "backup/never-heard-of"));

        var models = await GetAsync(stage, "/admin/models");

        Assert.Equal(["backup/backup-model", "internal/internal-model", "backup/other"], models.Select(one => $"{Text(one, "provider")}/{Text(one, "model")}"));
        var first = models[1];
        Assert.Equal((1, 1, "closed"), (first.GetProperty("success_count").GetInt32(), first.GetProperty("error_count").GetInt32(), Text(first, "circuit")));
        Assert.True(first.GetProperty("time_to_first_token").GetDouble() > 0);
        Assert.True(first.GetProperty("last_response_time").GetDouble() >= first.GetProperty("time_to_first_token").GetDouble());
        Assert.True(first.GetProperty("average_response_time").GetDouble() < 20_000);
        Assert.True(first.GetProperty("tokens_per_second").GetDouble() > 0);
        Assert.Equal(("server_error", 503), (Text(first.GetProperty("last_error"), "reason"), first.GetProperty("last_error").GetProperty("status").GetInt32()));
        Assert.DoesNotContain("sk-secret", models.ToString(), StringComparison.Ordinal);
        Assert.Equal("primary", Assert.Single(models[0].GetProperty("roles").EnumerateArray()).GetString());
        Assert.Equal(JsonValueKind.Null, models[0].GetProperty("time_to_first_token").ValueKind);
        Assert.Equal(1, models[2].GetProperty("error_count").GetInt32());
    }

    [Fact]
    public async Task Providers_tell_whether_they_can_be_reached_and_never_a_key()
    {
        using var port = new ClosedPort();
        await using var stage = await StageAsync(
            $$"""
              gone: { type: openai, base_url: "{{port.BaseUrl}}", models: [one, two] }
              official: { type: anthropic, base_url: "{{port.BaseUrl}}/v1", api_key: "${NOT_SET:-}", models: [claude] }
            """);
        stage.First.On("GET /v1", Script.Json("{}", 404));
        stage.Second.On("GET /", Script.Json("{}", 401));

        var providers = await GetAsync(stage, "/admin/providers");

        var byName = providers.ToDictionary(one => Text(one, "provider")!);
        Assert.Equal(["backup", "gone", "internal", "official"], byName.Keys.Order());
        Assert.True(byName["internal"].GetProperty("reachable").GetBoolean());
        Assert.True(byName["backup"].GetProperty("reachable").GetBoolean());
        Assert.True(byName["backup"].GetProperty("key_present").GetBoolean());
        Assert.Equal((false, "connection"), (byName["gone"].GetProperty("reachable").GetBoolean(), Text(byName["gone"], "problem")));
        Assert.Equal(["one", "two"], byName["gone"].GetProperty("models").EnumerateArray().Select(model => model.GetString()));
        Assert.Equal((true, false), (byName["official"].GetProperty("key_needed").GetBoolean(), byName["official"].GetProperty("key_present").GetBoolean()));
        Assert.All(stage.Second.Requests, request => Assert.Null(request.Header("authorization")));
    }

    private static async Task<List<JsonElement>> GetAsync(ProductionStage stage, string path)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.TryAddWithoutValidation("Authorization", "Bearer " + AdminKey);
        using var response = await stage.Gateway.Client.SendAsync(request, TestContext.Current.CancellationToken);
        var body = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.True(response.IsSuccessStatusCode, body);
        stage.Canaries.AssertNoCanary(body);
        using var document = JsonDocument.Parse(body);
        return [.. document.RootElement.GetProperty("data").Clone().EnumerateArray()];
    }

    private static string? Text(JsonElement element, string name) => element.GetProperty(name).GetString();

    private static Task<ProductionStage> StageAsync(string providers = "") => ProductionStage.StartAsync(configure: stage =>
    {
        stage.Second.AllowsRefusals();
        stage.Gateway.WithVariable("ADMIN_API_KEY", AdminKey)
            .WithSettings(ProductionStage.Settings(stage.Second.BaseUrl, providers, "model_roles: { primary: [backup-model] }"));
    });
}
