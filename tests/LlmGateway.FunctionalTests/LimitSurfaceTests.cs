using System.Net;
using System.Text.Json;
using LlmGateway.FunctionalTests.Infrastructure;

namespace LlmGateway.FunctionalTests;

/// <summary>Limits of a client key wherever it is used: the same count at every endpoint, told in the endpoint's own form.</summary>
public sealed class LimitSurfaceTests
{
    private static readonly (string Name, string Value) Key = ("Authorization", "Bearer " + LimitedStage.Key);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static TheoryData<string, string> Endpoints { get; } = new()
    {
        { "/v1/chat/completions", """{"messages":[{"role":"user","content":"Hi"}],"max_tokens":200}""" },
        { "/agents/helper/v1/chat/completions", """{"messages":[{"role":"user","content":"Hi"}],"max_completion_tokens":200}""" },
        { "/v1/completions", """{"prompt":"Hi","max_tokens":200}""" },
        { "/v1/embeddings", $$"""{"model":"internal-model","input":"{{LongText}}"}""" },
        { "/v1/messages", """{"model":"m","messages":[{"role":"user","content":"Hi"}],"max_tokens":200}""" },
        { "/agents/helper/v1/messages", """{"model":"m","messages":[{"role":"user","content":"Hi"}],"max_tokens":200}""" },
        { "/api/chat", """{"model":"m","messages":[{"role":"user","content":"Hi"}],"options":{"num_predict":200}}""" },
        { "/api/generate", """{"model":"m","prompt":"Hi","options":{"num_predict":200}}""" },
        { "/api/embed", $$"""{"model":"internal-model","input":"{{LongText}}"}""" },
        { "/api/chat/message", """{"message":"Hi","max_tokens":200,"use_tools":false}""" },
        { "/api/chat/message/stream", """{"message":"Hi","max_tokens":200,"use_tools":false}""" },
        { "/api/agents/helper/complete", """{"input":"Hi"}""" },
        { "/v1/responses", """{"input":"Hi","max_output_tokens":200,"model":"internal-model"}""" },
        { "/agents/helper/v1/responses", """{"model":"other","input":"Hi"}""" },
    };

    /// <summary>Well above a hundred tokens.</summary>
    private static string LongText => string.Concat(Enumerable.Repeat("many words ", 200));

    [Theory]
    [MemberData(nameof(Endpoints))]
    public async Task What_a_request_may_use_is_counted_at_every_endpoint_before_it_is_made(string path, string body)
    {
        await using var stage = await LimitedStage.StartAsync("\"tpm\": 1000", gateway => gateway.WithAgents("""{"agents":{"helper":{}}}"""));
        var gate = new Gate();
        stage.Provider.Answers(LimitTests.SlowStream(gate));
        using var running = await stage.AskAsync(maxTokens: 900, isStreaming: true);

        // Fewer than a hundred tokens are left while the stream runs, and that is not used up: only an estimate tells that it will be.
        using (var refused = await stage.Gateway.SendAsync(path, body, Key))
        {
            Assert.Equal(HttpStatusCode.TooManyRequests, refused.StatusCode);
            Assert.Contains("tokens per minute", await refused.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);
            Assert.Equal("1000", Header(refused, "x-ratelimit-limit-tokens"));
            Assert.True(refused.Headers.Contains("retry-after"));
        }

        Assert.Single(stage.Provider.Requests);
        gate.Release();
        await running.Content.ReadAsByteArrayAsync(Cancellation);
    }

    [Theory]
    [InlineData("/v1/messages")]
    [InlineData("/agents/default/v1/messages")]
    public async Task A_refusal_of_the_messages_api_has_its_form(string path)
    {
        await using var stage = await LimitedStage.StartAsync("\"rpm\": 1");
        (await stage.AskAsync()).Dispose();

        using var refused = await stage.Gateway.SendAsync(path, """{"model":"m","messages":[{"role":"user","content":"Hi"}],"max_tokens":9}""", ("x-api-key", LimitedStage.Key));

        using var json = JsonDocument.Parse(await refused.Content.ReadAsStringAsync(Cancellation));
        Assert.Equal(HttpStatusCode.TooManyRequests, refused.StatusCode);
        Assert.Equal("error", json.RootElement.GetProperty("type").GetString());
        Assert.Equal("rate_limit_error", json.RootElement.GetProperty("error").GetProperty("type").GetString());
        Assert.Contains("1 requests per minute", json.RootElement.GetProperty("error").GetProperty("message").GetString(), StringComparison.Ordinal);
        Assert.True(refused.Headers.Contains("retry-after"));
    }

    [Theory]
    [InlineData("/api/chat")]
    [InlineData("/api/generate")]
    [InlineData("/api/embed")]
    public async Task A_refusal_of_the_Ollama_api_has_its_form(string path)
    {
        await using var stage = await LimitedStage.StartAsync("\"rpm\": 1");
        (await stage.AskAsync()).Dispose();

        using var refused = await stage.Gateway.SendAsync(path, """{"model":"m","prompt":"Hi","messages":[{"role":"user","content":"Hi"}]}""", Key);

        using var json = JsonDocument.Parse(await refused.Content.ReadAsStringAsync(Cancellation));
        Assert.Equal(HttpStatusCode.TooManyRequests, refused.StatusCode);
        Assert.Contains("1 requests per minute", json.RootElement.GetProperty("error").GetString(), StringComparison.Ordinal);
        Assert.True(refused.Headers.Contains("retry-after"));
    }

    [Theory]
    [InlineData("/v1/chat/completions", """{"stream":true,"messages":[{"role":"user","content":"Hi"}],"max_tokens":100}""")]
    [InlineData("/v1/messages", """{"stream":true,"model":"m","messages":[{"role":"user","content":"Hi"}],"max_tokens":100}""")]
    [InlineData("/api/chat", """{"model":"m","messages":[{"role":"user","content":"Hi"}],"options":{"num_predict":100}}""")]
    [InlineData("/api/chat/message/stream", """{"message":"Hi","max_tokens":100,"use_tools":false}""")]
    public async Task A_stream_begins_with_how_far_the_limits_are_used(string path, string body)
    {
        await using var stage = await LimitedStage.StartAsync("\"rpm\": 5, \"tpm\": 1000");
        var gate = new Gate();
        stage.Provider.Answers(LimitTests.SlowStream(gate));

        using var answer = await stage.Gateway.OpenStreamAsync(path, body, Key);

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal(("5", "4", "1000"), (Header(answer, "x-ratelimit-limit-requests"), Header(answer, "x-ratelimit-remaining-requests"), Header(answer, "x-ratelimit-limit-tokens")));
        Assert.InRange(int.Parse(Header(answer, "x-ratelimit-remaining-tokens"), System.Globalization.CultureInfo.InvariantCulture), 800, 900);
        Assert.True(answer.Headers.Contains("x-ratelimit-reset-requests") && answer.Headers.Contains("x-ratelimit-reset-tokens"));
        gate.Release();
        await answer.Content.ReadAsByteArrayAsync(Cancellation);
    }

    private static string Header(HttpResponseMessage answer, string name) => Assert.Single(answer.Headers.GetValues(name));
}
