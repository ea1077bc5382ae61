using System.Net;
using LlmGateway.FunctionalTests.Infrastructure;

namespace LlmGateway.FunctionalTests;

/// <summary>Calls that are passed on are held to a key's money and tokens as chat is, as far as their bodies tell what they will use.</summary>
public sealed class PassthroughLimitTests
{
    private const string Path = "/v1/responses";
    private const string Answer = """{"id":"resp_1","model":"internal-model","usage":{"input_tokens":1,"output_tokens":1}}""";

    private static readonly (string Name, string Value) Key = ("Authorization", "Bearer " + LimitedStage.Key);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("""{"model":"internal-model","input":"Hi","max_output_tokens":1}""")]
    [InlineData("""{"input":[{"role":"user","content":"Hi","model":"no"}],"max_output_tokens":1,"model":"internal-model"}""")]
    public async Task A_budget_for_so_many_calls_is_for_so_many_at_once(string body)
    {
        const int Paid = 10;
        const int Asked = 60;
        var gate = new Gate();
        await using var stage = await LimitedStage.StartAsync($"\"budget_usd\": {Paid}");
        stage.Provider.Always("POST " + Path, _ => new Script().WaitFor(gate).Then(Script.Json(Answer)));

        var asked = Enumerable.Range(0, Asked).Select(_ => stage.Gateway.SendAsync(Path, body, Key)).ToList();
        for (var refused = 0; refused < Asked - Paid; refused++)
        {
            var done = await Task.WhenAny(asked);
            asked.Remove(done);
            using var answer = await done;
            Assert.Equal((429, "insufficient_quota"), await OpenAiError.ReadAsync(answer) is var error ? (error.Status, error.Code) : default);
        }

        gate.Release();
        foreach (var answer in await Task.WhenAll(asked))
        {
            Assert.Equal(Answer, await answer.Content.ReadAsStringAsync(Cancellation));
            answer.Dispose();
        }

        Assert.Equal(Paid, stage.Provider.Requests.Count);
        Assert.All(stage.Provider.Requests, sent => Assert.Equal(body, sent.Text));
    }

    [Fact]
    public async Task A_model_that_may_stand_far_behind_is_taken_for_the_dearest_and_what_names_none_costs_nothing()
    {
        await using var stage = await LimitedStage.StartAsync("\"budget_usd\": 100");
        stage.Provider.Always("POST /v1/*", _ => Script.Json(Answer));
        var far = $$"""{"input":"{{new string('x', 100_000)}}","model":"internal-model"}""";
        var near = $$"""{"model":"free-model","input":"{{new string('x', 100_000)}}"}""";

        using var refused = await stage.Gateway.SendAsync(Path, far, Key);
        using var taken = await stage.Gateway.SendAsync(Path, near, Key);
        using var batch = await stage.Gateway.SendAsync("/v1/batches", """{"input_file_id":"file-1"}""", Key);

        Assert.Equal((HttpStatusCode.TooManyRequests, HttpStatusCode.OK, HttpStatusCode.OK), (refused.StatusCode, taken.StatusCode, batch.StatusCode));
        Assert.Equal([near, """{"input_file_id":"file-1"}"""], stage.Provider.Requests.Select(sent => sent.Text));
    }

    [Fact]
    public async Task A_stream_that_its_client_leaves_is_charged_for_what_was_seen()
    {
        await using var stage = await LimitedStage.StartAsync("\"budget_usd\": 100");
        stage.Provider.Always("POST " + Path, _ => Script.Sse(
            """{"type":"response.created","response":{"id":"resp_1","model":"internal-model","usage":null}}""",
            """{"type":"response.output_text.delta","item_id":"msg_1","delta":"eight and eight."}""",
            """{"type":"response.output_text.delta","item_id":"msg_1","delta":"eight and eight."}""").Stall());

        using (var stream = await stage.Gateway.OpenStreamAsync(Path, """{"model":"internal-model","input":"Hi","max_output_tokens":50,"stream":true}""", Key))
        {
            await using var reader = await SseReader.OpenAsync(stream, Cancellation);
            await reader.NextAsync();
            await reader.NextAsync();
            await reader.NextAsync();
        }

        await Eventually.TrueAsync(() => stage.Gateway.Ledger.Query("SELECT 1 AS one FROM attempt_records").Count == 1, "the record");
        var row = Assert.Single(stage.Gateway.Ledger.Query("SELECT * FROM attempt_records"));
        Assert.Equal(("cancelled", "estimated", "internal-model", 8L, 8_000_000L), (row["outcome"], row["source"], row["model"], row["output_tokens"], row["cost_micro_usd"]));
    }

    [Fact]
    public async Task A_key_with_limits_is_told_of_these_and_not_of_the_providers()
    {
        await using var stage = await LimitedStage.StartAsync("\"rpm\": 5", null, LimitedStage.KeyEntry("", "free", "sk-free-1"));
        stage.Provider.Always("POST " + Path, _ => Script.Json(Answer, 200, ("x-ratelimit-limit-requests", "9999"), ("x-ratelimit-limit-images", "7")));

        using var limited = await stage.Gateway.SendAsync(Path, "{}", Key);
        using var free = await stage.Gateway.SendAsync(Path, "{}", ("Authorization", "Bearer sk-free-1"));

        Assert.Equal("5", Assert.Single(limited.Headers.GetValues("x-ratelimit-limit-requests")));
        Assert.False(limited.Headers.Contains("x-ratelimit-limit-images"));
        Assert.Equal("9999", Assert.Single(free.Headers.GetValues("x-ratelimit-limit-requests")));
    }
}
