using System.Net;
using System.Net.Sockets;
using System.Text;
using LlmGateway.FunctionalTests.Infrastructure;
using LlmGateway.Limits;
using Microsoft.Extensions.DependencyInjection;

namespace LlmGateway.FunctionalTests;

/// <summary>Rates, calls at once and tokens of client keys, counted by one instance.</summary>
public sealed class LimitTests(ITestOutputHelper output)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_thousand_requests_in_a_second_get_exactly_the_limit()
    {
        await using var stage = await LimitedStage.StartAsync("\"rpm\": 100");
        var codes = new HashSet<string>();

        var statuses = await stage.AskAtOnceAsync(1000, codes: codes);

        Assert.Equal(100, statuses.Count(status => status == HttpStatusCode.OK));
        Assert.Equal(900, statuses.Count(status => status == HttpStatusCode.TooManyRequests));
        Assert.Equal(["rate_limit_exceeded"], codes);
        Assert.Equal(100, stage.Provider.Requests.Count);
        var page = await stage.Gateway.MetricsAsync();
        Assert.Equal(900, page.Value("llm_gateway_rate_limited_total", ("limit", "rpm")));
        output.WriteLine($"Q10, one instance: {statuses.Count(status => status == HttpStatusCode.OK)} of 1000 admitted at a limit of 100");
    }

    [Fact]
    public async Task Answers_and_refusals_tell_how_far_the_limits_are_used()
    {
        await using var stage = await LimitedStage.StartAsync("\"rpm\": 2, \"tpm\": 1000");

        using var first = await stage.AskAsync(maxTokens: 100);
        await first.Content.ReadAsByteArrayAsync(Cancellation);
        using var second = await stage.AskAsync();
        await second.Content.ReadAsByteArrayAsync(Cancellation);
        using var refused = await stage.AskAsync();

        Assert.Equal(("2", "1", "1000"), (Header(first, "x-ratelimit-limit-requests"), Header(first, "x-ratelimit-remaining-requests"), Header(first, "x-ratelimit-limit-tokens")));
        Assert.InRange(int.Parse(Header(first, "x-ratelimit-remaining-tokens"), System.Globalization.CultureInfo.InvariantCulture), 850, 900);
        Assert.Matches("^1m0(\\.\\d+)?s$|^59\\.\\d+s$", Header(first, "x-ratelimit-reset-requests"));
        Assert.Matches("^1m0(\\.\\d+)?s$|^59\\.\\d+s$", Header(first, "x-ratelimit-reset-tokens"));
        Assert.Equal("0", Header(second, "x-ratelimit-remaining-requests"));
        var error = await OpenAiError.ReadAsync(refused);
        Assert.Equal((429, "rate_limit_error", "rate_limit_exceeded"), (error.Status, error.Type, error.Code));
        Assert.Equal("0", Header(refused, "x-ratelimit-remaining-requests"));
        Assert.InRange(int.Parse(Header(refused, "retry-after"), System.Globalization.CultureInfo.InvariantCulture), 55, 60);
        Assert.False(refused.Headers.Contains("x-should-retry"));
    }

    [Theory]
    [InlineData("/v1/chat/completions", "Authorization")]
    [InlineData("/v1/chat/completions", "x-api-key")]
    [InlineData("/v1/chat/completions", "api-key")]
    [InlineData("/agents/default/v1/chat/completions", "Authorization")]
    [InlineData("/v1/completions", "Authorization")]
    [InlineData("/v1/embeddings", "Authorization")]
    [InlineData("/v1/messages", "x-api-key")]
    [InlineData("/agents/default/v1/messages", "x-api-key")]
    [InlineData("/api/chat", "Authorization")]
    [InlineData("/api/generate", "Authorization")]
    [InlineData("/api/embed", "Authorization")]
    [InlineData("/v1/responses", "Authorization")]
    [InlineData("/v1/batches", "Authorization")]
    [InlineData("/v1/images/generations", "api-key")]
    public async Task One_limit_holds_at_every_endpoint_and_for_every_carrier(string path, string carrier)
    {
        await using var stage = await LimitedStage.StartAsync("\"rpm\": 1");
        using var first = await stage.AskAsync();
        Assert.Equal(HttpStatusCode.OK, first.StatusCode);

        using var refused = await stage.Gateway.SendAsync(path, "not even JSON", (carrier, carrier == "Authorization" ? "Bearer " + LimitedStage.Key : LimitedStage.Key));

        Assert.Equal(HttpStatusCode.TooManyRequests, refused.StatusCode);
        Assert.Single(stage.Provider.Requests);
    }

    [Fact]
    public async Task A_refusal_does_not_wait_for_the_body()
    {
        await using var stage = await LimitedStage.StartAsync("\"rpm\": 1");
        (await stage.AskAsync()).Dispose();

        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, new Uri(stage.Gateway.BaseUrl).Port, Cancellation);
        await socket.SendAsync(Encoding.ASCII.GetBytes(
            $"POST {ProductionStage.Path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {LimitedStage.Key}\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n"));
        var buffer = new byte[4096];
        using var limit = new CancellationTokenSource(Eventually.DefaultLimit);
        var read = await socket.ReceiveAsync(buffer, limit.Token);

        Assert.StartsWith("HTTP/1.1 429 ", Encoding.ASCII.GetString(buffer, 0, read), StringComparison.Ordinal);
        Assert.Single(stage.Provider.Requests);
    }

    [Fact]
    public async Task Places_come_back_at_the_end_of_streams_and_when_clients_leave()
    {
        await using var stage = await LimitedStage.StartAsync("\"max_concurrency\": 2", entries: LimitedStage.KeyEntry("\"max_concurrency\": 2", "other", "sk-other-key"));
        var (first, second) = (new Gate(), new Gate());
        stage.Provider.Answers(SlowStream(first), SlowStream(second));
        var one = await stage.AskAsync(isStreaming: true);
        var two = await stage.AskAsync(isStreaming: true);

        using var refused = await stage.AskAsync();
        using var other = await stage.AskAsync(key: "sk-other-key");
        var error = await OpenAiError.ReadAsync(refused);
        Assert.Equal((429, "rate_limit_exceeded"), (error.Status, error.Code));
        Assert.Equal("1", Header(refused, "retry-after"));
        Assert.Equal(HttpStatusCode.OK, other.StatusCode);

        // One client leaves, the other's stream ends.
        one.Dispose();
        second.Release();
        await two.Content.ReadAsByteArrayAsync(Cancellation);
        two.Dispose();
        await Eventually.AnswersAsync<bool>(
            async () =>
            {
                using var again = await stage.AskAsync();
                return again.IsSuccessStatusCode ? true : null;
            },
            "a place to come back");
        var state = stage.Gateway.Services.GetRequiredService<RateLimiter>();
        await Eventually.TrueAsync(() => state.RunningOf("limited") == 0, "both places to come back");
    }

    [Fact]
    public async Task A_client_in_a_loop_needs_no_more_than_its_one_place()
    {
        await using var stage = await LimitedStage.StartAsync("\"max_concurrency\": 1");

        for (var i = 0; i < 100; i++)
        {
            using var answer = await stage.AskAsync();
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
            await answer.Content.ReadAsByteArrayAsync(Cancellation);
        }
    }

    [Fact]
    public async Task Tokens_are_counted_before_and_put_right_after()
    {
        await using var stage = await LimitedStage.StartAsync("\"tpm\": 1000");
        var gate = new Gate();
        stage.Provider.Answers(SlowStream(gate, outputTokens: 100));
        var running = await stage.AskAsync(maxTokens: 900, isStreaming: true);

        // While the stream may still use its 900 tokens there is no room for 200 more.
        using (var refused = await stage.AskAsync(maxTokens: 200))
        {
            var error = await OpenAiError.ReadAsync(refused);
            Assert.Equal((429, "rate_limit_exceeded"), (error.Status, error.Code));
            Assert.Contains("tokens per minute", error.Message, StringComparison.Ordinal);
            Assert.InRange(int.Parse(Header(refused, "retry-after"), System.Globalization.CultureInfo.InvariantCulture), 50, 60);
        }

        gate.Release();
        await running.Content.ReadAsByteArrayAsync(Cancellation);
        running.Dispose();
        await Eventually.AnswersAsync<bool>(
            async () =>
            {
                using var answer = await stage.AskAsync(maxTokens: 700);
                return answer.IsSuccessStatusCode ? true : null;
            },
            "the tokens that were not used",
            TimeSpan.FromSeconds(1));
    }

    [Fact]
    public async Task Real_use_above_the_estimate_stops_the_next_request_at_the_door()
    {
        await using var stage = await LimitedStage.StartAsync("\"tpm\": 1000");
        stage.Provider.Answers(Script.Json(LimitedStage.Answer(5000)));
        using var first = await stage.AskAsync(maxTokens: 10);
        await first.Content.ReadAsByteArrayAsync(Cancellation);
        Assert.Equal(HttpStatusCode.OK, first.StatusCode);

        await Eventually.AnswersAsync<bool>(
            async () =>
            {
                using var answer = await stage.AskAsync(maxTokens: 10);
                return answer.StatusCode == HttpStatusCode.TooManyRequests ? true : null;
            },
            "the tokens to be counted",
            TimeSpan.FromSeconds(1));
    }

    [Fact]
    public async Task A_prompt_above_the_limit_is_told_that_waiting_does_not_help()
    {
        await using var stage = await LimitedStage.StartAsync("\"tpm\": 100");
        using var refused = await stage.Gateway.SendAsync(
            ProductionStage.Path, ProductionStage.Body(false, new string('x', 2000)), ("Authorization", "Bearer " + LimitedStage.Key));

        var error = await OpenAiError.ReadAsync(refused);
        Assert.Equal((429, "rate_limit_exceeded"), (error.Status, error.Code));
        Assert.Contains("too large", error.Message, StringComparison.Ordinal);
        Assert.Equal("3600", Header(refused, "retry-after"));

        // A large max_tokens alone is no reason: it may fill the minute.
        using var answer = await stage.AskAsync(maxTokens: 100_000);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
    }

    [Fact]
    public async Task What_a_session_remembers_is_counted_like_what_is_sent()
    {
        await using var stage = await LimitedStage.StartAsync("\"tpm\": 1000");
        stage.Provider.AlwaysAnswers(_ => Script.Json(OpenAiReplies.Completion(new string('x', 4800), promptTokens: 1, completionTokens: 1)));

        using var first = await AskAsync("long-talk");
        using var next = await AskAsync("long-talk");
        using var other = await AskAsync("another");

        var error = await OpenAiError.ReadAsync(next);
        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.OK), (first.StatusCode, other.StatusCode));
        Assert.Equal((429, "rate_limit_exceeded"), (error.Status, error.Code));
        Assert.Contains("too large", error.Message, StringComparison.Ordinal);
        Assert.Equal(2, stage.Provider.Requests.Count);

        Task<HttpResponseMessage> AskAsync(string session) => stage.Gateway.SendAsync(
            ProductionStage.Path, LimitedStage.Body(), ("Authorization", "Bearer " + LimitedStage.Key), ("X-Session-Id", session));
    }

    [Fact]
    public async Task Two_entries_of_one_name_share_the_limit_during_rotation()
    {
        await using var stage = await LimitedStage.StartAsync("\"rpm\": 2", entries: LimitedStage.KeyEntry("\"rpm\": 2", "limited", "sk-limited-2"));

        using var old = await stage.AskAsync();
        using var fresh = await stage.AskAsync(key: "sk-limited-2");
        using var refused = await stage.AskAsync(key: "sk-limited-2");

        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.OK, HttpStatusCode.TooManyRequests), (old.StatusCode, fresh.StatusCode, refused.StatusCode));
    }

    internal static Script SlowStream(Gate gate, int outputTokens = 1) => Script
        .Sse(OpenAiReplies.RoleChunk(), OpenAiReplies.ContentChunk("Hi"))
        .WaitFor(gate)
        .Event(OpenAiReplies.FinishChunk())
        .Event(OpenAiReplies.UsageChunk(1, outputTokens))
        .Done();

    private static string Header(HttpResponseMessage answer, string name) => Assert.Single(answer.Headers.GetValues(name));
}
