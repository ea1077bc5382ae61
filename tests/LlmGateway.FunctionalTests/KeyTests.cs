using System.Net;
using System.Text.Json;
using LlmGateway.Access;
using LlmGateway.FunctionalTests.Infrastructure;

namespace LlmGateway.FunctionalTests;

/// <summary>Client keys that are made, listed and revoked at run time, and what is done against those who try keys.</summary>
public sealed class KeyTests
{
    private const string Admin = "Bearer sk-admin-of-the-tests";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static async Task<string> MintAsync(object gateway, string definition)
    {
        using var answer = await ((GatewayUnderTest)gateway).SendAsync("/admin/keys", definition, ("Authorization", Admin));
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        using var json = JsonDocument.Parse(await answer.Content.ReadAsStringAsync());
        return json.RootElement.GetProperty("key").GetString()!;
    }

    [Fact]
    public async Task A_key_is_made_shown_once_and_held_to_its_limits()
    {
        await using var stage = await LimitedStage.StartAsync("");
        var key = await MintAsync(stage.Gateway, """{ "name": "minted", "department": "sales", "rpm": 2, "agents": ["*"], "budget_usd": 5, "budget_period": "day" }""");

        Assert.StartsWith("sk-gw-", key, StringComparison.Ordinal);
        Assert.True(MintedKeyText.IsWellFormed(key));
        using var first = await stage.AskAsync(key: key);
        using var second = await stage.AskAsync(key: key);
        using var third = await stage.AskAsync(key: key);
        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.OK, HttpStatusCode.TooManyRequests), (first.StatusCode, second.StatusCode, third.StatusCode));
        Assert.Equal("2", first.Headers.GetValues("x-ratelimit-limit-requests").Single());

        var list = await ListAsync(stage);
        var hash = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(key)));
        Assert.DoesNotContain(key, list, StringComparison.Ordinal);
        Assert.DoesNotContain(hash, list, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("sha256", list, StringComparison.Ordinal);
        using var json = JsonDocument.Parse(list);
        Assert.Equal(["limited", "test", "minted"], json.RootElement.GetProperty("data").EnumerateArray().Select(entry => entry.GetProperty("name").GetString()));
        Assert.Equal("sales", json.RootElement.GetProperty("data")[2].GetProperty("department").GetString());

        // In the database there is the hash alone, in the log nothing of it.
        var row = Assert.Single(stage.Gateway.Ledger.Query("SELECT * FROM client_keys"));
        Assert.Equal(hash, row["sha256"]);
        Assert.DoesNotContain(row.Values, value => value is string text && text.Contains(key, StringComparison.Ordinal));
        Assert.DoesNotContain(key[6..], stage.Gateway.Log.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_second_key_of_the_name_overlaps_and_both_go_together()
    {
        await using var stage = await LimitedStage.StartAsync("");
        var old = await MintAsync(stage.Gateway, """{ "name": "rotated", "rpm": 3 }""");
        var fresh = await MintAsync(stage.Gateway, """{ "name": "rotated", "rpm": 3 }""");
        foreach (var (key, wanted) in new[] { (old, 200), (fresh, 200), (old, 200), (fresh, 429) })
        {
            using var answer = await stage.AskAsync(key: key);
            Assert.Equal(wanted, (int)answer.StatusCode);
        }

        Assert.Equal(HttpStatusCode.NoContent, await RevokeAsync(stage, "rotated"));

        foreach (var key in new[] { old, fresh })
        {
            using var answer = await stage.AskAsync(key: key);
            Assert.Equal("invalid_api_key", (await OpenAiError.ReadAsync(answer)).Code);
        }

        Assert.Equal(HttpStatusCode.NotFound, await RevokeAsync(stage, "rotated"));
        Assert.Equal(HttpStatusCode.Conflict, await RevokeAsync(stage, "limited"));
    }

    [Fact]
    public async Task Keys_survive_a_restart_and_end_when_they_expire()
    {
        await using var stage = await LimitedStage.StartAsync("");
        var key = await MintAsync(stage.Gateway, """{ "name": "lasting" }""");
        var expired = await MintAsync(stage.Gateway, """{ "name": "expired", "expires_at": "2020-01-01" }""");
        var early = await MintAsync(stage.Gateway, """{ "name": "early", "not_before": "2999-01-01" }""");
        await stage.Gateway.StopAsync();
        await stage.Gateway.StartAsync();

        foreach (var (presented, wanted) in new[] { (key, 200), (expired, 401), (early, 401) })
        {
            using var answer = await stage.AskAsync(key: presented);
            Assert.Equal(wanted, (int)answer.StatusCode);
        }
    }

    [Theory]
    [InlineData("""{ "name": "x", "role": "admin" }""", "role")]
    [InlineData("""{ "name": "x", "Rpm": 5 }""", "Rpm")]
    [InlineData("""{ "name": "x", "is_admin": true }""", "is_admin")]
    [InlineData("""{ "name": "x", "tenant_id": "y" }""", "tenant_id")]
    [InlineData("""{ "name": "x", "spend": 0 }""", "spend")]
    [InlineData("""{ "name": "x", "max_budget": 1 }""", "max_budget")]
    [InlineData("""{ "name": "x", "sha256": "d67cf2f10d5dc84044c6b87dffbcef0a540ffd3c5f9c2f8f420594c3a9e03da5" }""", "sha256")]
    [InlineData("""{ "name": "x", "key": "sk-mine" }""", "key")]
    [InlineData("""{ "rpm": 5 }""", "name")]
    [InlineData("""{ "name": "a b" }""", "name")]
    [InlineData("""{ "name": "x", "rpm": 0 }""", "rpm")]
    [InlineData("""{ "name": "x", "rpm": "5" }""", "rpm")]
    [InlineData("""{ "name": "x", "budget_usd": -1 }""", "budget_usd")]
    [InlineData("""{ "name": "x", "budget_period": "year" }""", "budget_period")]
    [InlineData("""{ "name": "x", "ticket_env": "not a variable" }""", "ticket_env")]
    public async Task What_is_wrong_with_a_key_is_named_and_nothing_is_made(string definition, string param)
    {
        await using var stage = await LimitedStage.StartAsync("");

        using var refused = await stage.Gateway.SendAsync("/admin/keys", definition, ("Authorization", Admin));

        var error = await OpenAiError.ReadAsync(refused);
        Assert.Equal((400, "invalid_request_error", "invalid_request", param), (error.Status, error.Type, error.Code, error.Param));
        Assert.Empty(stage.Gateway.Ledger.Query("SELECT * FROM client_keys"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("[]")]
    [InlineData("{")]
    [InlineData("""{ "name": "a", "name": "b" }""")]
    [InlineData("""{ "name": "\ud800" }""")]
    public async Task What_is_no_JSON_object_makes_no_key(string definition)
    {
        await using var stage = await LimitedStage.StartAsync("");

        using var refused = await stage.Gateway.SendAsync("/admin/keys", definition, ("Authorization", Admin));

        Assert.Equal(400, (await OpenAiError.ReadAsync(refused)).Status);
    }

    [Fact]
    public async Task A_client_key_administrates_nothing()
    {
        await using var stage = await LimitedStage.StartAsync("");

        using var refused = await stage.Gateway.SendAsync("/admin/keys", """{ "name": "x" }""", ("Authorization", "Bearer " + LimitedStage.Key));

        Assert.Equal("invalid_api_key", (await OpenAiError.ReadAsync(refused)).Code);
    }

    [Fact]
    public async Task Who_tries_many_keys_is_slowed_down_and_right_keys_are_not()
    {
        await using var stage = await LimitedStage.StartAsync("");
        var statuses = new List<int>();
        for (var i = 0; i < 120; i++)
        {
            using var answer = await stage.AskAsync(key: $"sk-guess-{i}");
            statuses.Add((int)answer.StatusCode);
            if (statuses[^1] == 429)
            {
                Assert.InRange(int.Parse(answer.Headers.GetValues("retry-after").Single(), System.Globalization.CultureInfo.InvariantCulture), 1, 10);
            }
        }

        Assert.InRange(statuses.Count(status => status == 401), BadKeyGuard.MostTries, BadKeyGuard.MostTries * 2);
        Assert.Contains(429, statuses);
        using var right = await stage.AskAsync();
        Assert.Equal(HttpStatusCode.OK, right.StatusCode);
        Assert.True((await stage.Gateway.MetricsAsync()).Value("llm_gateway_rate_limited_total", ("limit", "invalid_keys")) > 0);
    }

    [Fact]
    public async Task Minted_keys_see_and_use_only_what_they_may()
    {
        await using var stage = await LimitedStage.StartAsync("");
        var key = await MintAsync(stage.Gateway, """{ "name": "narrow", "models": ["other-model"] }""");
        using var listing = new HttpRequestMessage(HttpMethod.Get, "/v1/models") { Headers = { { "Authorization", "Bearer " + key } } };
        using var list = await stage.Gateway.Client.SendAsync(listing, Cancellation);
        Assert.DoesNotContain("internal-model", await list.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);

        var errors = new List<OpenAiError>();
        foreach (var model in new[] { "internal-model", "internal/no-such-model" })
        {
            using var answer = await stage.Gateway.SendAsync(ProductionStage.Path, ProductionStage.Body(false, model: model), ("Authorization", "Bearer " + key));
            errors.Add(await OpenAiError.ReadAsync(answer));
        }

        Assert.All(errors, error => Assert.Equal((403, "model_not_allowed"), (error.Status, error.Code)));
    }

    [Fact]
    public async Task A_star_in_what_a_key_may_use_stands_for_any_text()
    {
        await using var stage = await LimitedStage.StartAsync("", gateway => gateway.WithAgents("""{"agents":{"report_long":{},"report_short":{},"other":{}}}"""));
        var key = await MintAsync(stage.Gateway, """{ "name": "narrow", "agents": ["report_*", "default"], "models": ["internal-*"] }""");
        var statuses = new List<int>();
        foreach (var (agent, model) in new[] { ("report_long", "x"), ("report_short", "x"), ("other", "x"), (null, "internal-model"), (null, "internal/more") })
        {
            using var answer = await stage.Gateway.SendAsync(ProductionStage.Path, ProductionStage.Body(false, model: model), [("Authorization", "Bearer " + key), .. agent is null ? [] : new[] { ("X-Agent-Profile", agent) }]);
            statuses.Add((int)answer.StatusCode);
        }

        Assert.Equal([200, 200, 403, 200, 403], statuses);
    }

    private static async Task<string> ListAsync(LimitedStage stage)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/admin/keys") { Headers = { { "Authorization", Admin } } };
        using var answer = await stage.Gateway.Client.SendAsync(request);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        return await answer.Content.ReadAsStringAsync();
    }

    private static async Task<HttpStatusCode> RevokeAsync(LimitedStage stage, string name)
    {
        using var request = new HttpRequestMessage(HttpMethod.Delete, "/admin/keys/" + name) { Headers = { { "Authorization", Admin } } };
        using var answer = await stage.Gateway.Client.SendAsync(request);
        return answer.StatusCode;
    }
}
