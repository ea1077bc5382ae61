using System.Globalization;
using System.Net;
using LlmGateway.FunctionalTests.Infrastructure;

namespace LlmGateway.FunctionalTests;

/// <summary>What becomes of the streams of a key that is revoked or expires: they say so and stop, on every instance, and are accounted for.</summary>
[Collection(nameof(SharedStoresCollection))]
public sealed class KeyEndTests(PostgresServer postgres)
{
    private const string Admin = "Bearer sk-admin-of-the-tests";
    private const string Question = """{"model":"internal-model","stream":true,"max_tokens":50,"messages":[{"role":"user","content":"Hi"}]}""";

    /// <summary>Three seconds by the timers; other tests run beside this one.</summary>
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(10);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("/v1/chat/completions", "\"code\":\"invalid_api_key\"")]
    [InlineData("/v1/messages", "event: error\ndata: {\"type\":\"error\"")]
    [InlineData("/v1/responses", "\"code\":\"invalid_api_key\"")]
    public async Task A_running_stream_ends_with_its_key_wherever_that_is_revoked(string path, string wanted)
    {
        var gate = new Gate();
        var url = await postgres.CreateDatabaseAsync();
        await using var stage = await LimitedStage.StartNamedAsync("limited", "", 2, gateway => gateway.WithVariable("DATABASE_URL", url));
        stage.Provider.AlwaysAnswers(_ => Script.Sse(OpenAiReplies.RoleChunk(), OpenAiReplies.ContentChunk("one two three ")).WaitFor(gate).Event(OpenAiReplies.FinishChunk()).Done())
            .Always("POST /v1/responses", _ => Script.Sse("""{"type":"response.created","response":{"id":"resp_1"}}""").WaitFor(gate).Event("""{"type":"response.completed"}"""));
        var key = await KeyTests.MintAsync(stage.Gateways[0], """{ "name": "leaver" }""");
        await Eventually.AnswersAsync<bool>(async () => await StatusAsync(stage.Gateways[1], key) == HttpStatusCode.NotFound ? true : null, "the other instance to know the key");
        using var leaving = await OpenAsync(stage.Gateways[1], path, key);
        using var staying = await OpenAsync(stage.Gateways[1], path, LimitedStage.Key);

        await RevokeAsync(stage.Gateways[0], "leaver");

        var text = await leaving.Content.ReadAsStringAsync(Cancellation).WaitAsync(Soon, Cancellation);
        Assert.Contains(wanted, text, StringComparison.Ordinal);
        Assert.DoesNotContain("[DONE]", text, StringComparison.Ordinal);
        Assert.DoesNotContain("_stop\"", text, StringComparison.Ordinal);
        gate.Release();
        Assert.DoesNotContain("invalid_api_key", await staying.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);

        await Eventually.AnswersAsync<bool>(
            async () => (await postgres.QueryAsync(url, "SELECT a.outcome FROM request_records r JOIN attempt_records a ON a.record_id = r.id WHERE r.key_name = 'leaver' AND r.status = 200"))
                .SingleOrDefault()?["outcome"] is "cancelled" ? true : null,
            "the record");
    }

    [Fact]
    public async Task A_running_stream_ends_when_its_key_expires_and_what_is_no_stream_goes_on()
    {
        var gate = new Gate();
        await using var stage = await LimitedStage.StartAsync("");
        stage.Provider.AlwaysAnswers(_ => Script.Chosen(request => request.Json().TryGetProperty("stream", out var isStreaming) && isStreaming.GetBoolean()
            ? Script.Sse(OpenAiReplies.RoleChunk(), OpenAiReplies.ContentChunk("one two three ")).WaitFor(gate)
            : new Script().WaitFor(gate).Then(Script.Json(LimitedStage.Answer(1)))));
        var key = await KeyTests.MintAsync(stage.Gateway, $$"""{ "name": "short", "expires_at": "{{DateTimeOffset.UtcNow.AddSeconds(5).ToString("O", CultureInfo.InvariantCulture)}}" }""");
        using var stream = await OpenAsync(stage.Gateway, ProductionStage.Path, key);
        var whole = stage.AskAsync(key: key);
        await stage.Provider.WaitForRequestAsync(2);

        var text = await stream.Content.ReadAsStringAsync(Cancellation).WaitAsync(Soon, Cancellation);

        Assert.Contains("\"code\":\"invalid_api_key\"", text, StringComparison.Ordinal);
        Assert.DoesNotContain("[DONE]", text, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(stage.Gateway, key));
        gate.Release();
        using var answer = await whole;
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
    }

    [Fact]
    public async Task A_key_that_is_taken_out_of_the_file_leaves_its_running_stream_alone()
    {
        var gate = new Gate();
        await using var stage = await LimitedStage.StartAsync("\"expires_at\": \"2999-01-01\"", null, LimitedStage.KeyEntry("", "other", "sk-other-1"));
        stage.Provider.AlwaysAnswers(_ => Script.Sse(OpenAiReplies.RoleChunk(), OpenAiReplies.ContentChunk("one ")).WaitFor(gate).Event(OpenAiReplies.FinishChunk()).Done());
        using var stream = await OpenAsync(stage.Gateway, ProductionStage.Path, LimitedStage.Key);

        stage.Gateway.Folder.Rewrite(GatewayFolder.Keys, LimitedStage.Keys(LimitedStage.KeyEntry("", "other", "sk-other-1")));
        await Eventually.AnswersAsync<bool>(async () => await StatusAsync(stage.Gateway, LimitedStage.Key) != HttpStatusCode.NotFound ? true : null, "the key to be out of force");

        // All keys are looked after at once: when one stream has ended with its key, the other has been passed over.
        var control = await KeyTests.MintAsync(stage.Gateway, """{ "name": "control" }""");
        using var ending = await OpenAsync(stage.Gateway, ProductionStage.Path, control);
        await RevokeAsync(stage.Gateway, "control");
        Assert.Contains("invalid_api_key", await ending.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);
        gate.Release();

        Assert.Contains("[DONE]", await stream.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);
    }

    private static Task<HttpResponseMessage> OpenAsync(GatewayUnderTest gateway, string path, string key) => gateway.OpenStreamAsync(path, Question, ("Authorization", "Bearer " + key));

    private static async Task RevokeAsync(GatewayUnderTest gateway, string name)
    {
        using var request = new HttpRequestMessage(HttpMethod.Delete, "/admin/keys/" + name) { Headers = { { "Authorization", Admin } } };
        using var revoked = await gateway.Client.SendAsync(request, Cancellation);
        Assert.Equal(HttpStatusCode.NoContent, revoked.StatusCode);
    }

    /// <summary>Of a call that costs nothing: 401 or 404.</summary>
    private static async Task<HttpStatusCode> StatusAsync(GatewayUnderTest gateway, string key)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/models/no-such-model") { Headers = { { "Authorization", "Bearer " + key } } };
        using var answer = await gateway.Client.SendAsync(request, Cancellation);
        return answer.StatusCode;
    }
}
