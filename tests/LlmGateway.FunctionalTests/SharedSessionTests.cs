using System.Net;
using System.Text.Json;
using LlmGateway.FunctionalTests.Infrastructure;

namespace LlmGateway.FunctionalTests;

/// <summary>Sessions on a real Redis: two instances remember as one, and an outage costs memory, never an answer.</summary>
public sealed class SharedSessionTests(RedisServer redis) : IClassFixture<RedisServer>
{
    private static readonly (string Name, string Value) Key = ("Authorization", "Bearer sk-client");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Two_instances_remember_as_one()
    {
        await using var provider = ScriptedProvider.OpenAi().AlwaysAnswers(_ => Script.Json(OpenAiReplies.Completion("ok")));
        await using var one = await StartAsync(provider);
        await using var two = await StartAsync(provider);

        var session = await SayAsync(one, "First");
        await SayAsync(two, "Second", session);
        using var history = await HistoryAsync(one, session);

        Assert.Equal(["First", "ok", "Second"], Sent(provider, 1));
        Assert.Equal(4, history.RootElement.GetArrayLength());
        Assert.Equal("test", await redis.CommandAsync("HGET", $"session:{session}", "owner"));
        Assert.Matches(":3[56]..", await redis.CommandAsync("TTL", $"session:{session}"));
    }

    [Fact]
    public async Task Answers_that_end_at_once_all_stay()
    {
        await using var provider = ScriptedProvider.OpenAi().AlwaysAnswers(_ => Script.Json(OpenAiReplies.Completion("ok")));
        await using var one = await StartAsync(provider);
        await using var two = await StartAsync(provider);
        var session = await SayAsync(one, "0");

        await Task.WhenAll(Enumerable.Range(1, 8).Select(i => SayAsync(i % 2 == 0 ? one : two, $"{i}", session)));
        using var history = await HistoryAsync(two, session);

        Assert.Equal(18, history.RootElement.GetArrayLength());
        Assert.Equal(Enumerable.Range(0, 9).Select(i => $"{i}"), Contents(history.RootElement).Where(text => text != "ok").Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_dead_Redis_costs_the_past_and_gets_the_rest_when_it_is_back()
    {
        await using var own = new RedisServer();
        await own.InitializeAsync();
        await using var provider = ScriptedProvider.OpenAi().AlwaysAnswers(_ => Script.Json(OpenAiReplies.Completion("ok")));
        await using var gateway = await StartAsync(provider, own);
        var session = await SayAsync(gateway, "Before");

        await own.KillAsync();
        await SayAsync(gateway, "During 1", session);
        await SayAsync(gateway, "During 2", session);
        var degraded = await ReadyAsync(gateway);
        await own.StartAsync();
        await BackAsync(gateway);
        await SayAsync(gateway, "After", session);

        Assert.Contains("Redis is not available", degraded, StringComparison.Ordinal);
        Assert.Equal(["During 1", "ok", "During 2"], Sent(provider, 2));
        Assert.Equal(["During 1", "ok", "During 2", "ok", "After"], Sent(provider, 3));
        Assert.Equal("test", await own.CommandAsync("HGET", $"session:{session}", "owner"));
    }

    [Fact]
    public async Task What_Redis_took_without_being_heard_is_remembered_once()
    {
        await using var own = new RedisServer();
        await own.InitializeAsync();
        var gate = new Gate();
        await using var provider = ScriptedProvider.OpenAi().Answers(
            Script.Json(OpenAiReplies.Completion("ok")),
            new Script().WaitFor(gate).Head(200, "application/json", BodyFraming.Chunked).Text(OpenAiReplies.Completion("ok")),
            Script.Json(OpenAiReplies.Completion("ok")));
        await using var gateway = await StartAsync(provider, own);
        var session = await SayAsync(gateway, "Before");

        // The answer is there when Redis holds still: it is told, and takes it only later.
        var saying = SayAsync(gateway, "Heard late", session);
        await gate.Reached.WaitAsync(Eventually.DefaultLimit, Cancellation);
        await own.PauseWritesAsync();
        gate.Release();
        await saying;
        await own.UnpauseAsync();
        await BackAsync(gateway);
        await SayAsync(gateway, "After", session);

        Assert.Equal(["Before", "ok", "Heard late", "ok", "After"], Sent(provider, 2));
    }

    [Fact]
    public async Task A_list_that_a_client_brings_while_Redis_is_dead_takes_the_stored_ones_place_when_it_is_back()
    {
        await using var own = new RedisServer();
        await own.InitializeAsync();
        await using var provider = ScriptedProvider.OpenAi().AlwaysAnswers(_ => Script.Json(OpenAiReplies.Completion("ok")));
        await using var gateway = await StartAsync(provider, own);
        await ChatAsync(gateway, """{"role":"user","content":"Before"}""");

        await own.PauseAsync(TimeSpan.FromSeconds(2));
        await ChatAsync(gateway, """{"role":"user","content":"Mine"},{"role":"assistant","content":"Yours"},{"role":"user","content":"Next"}""");
        await ChatAsync(gateway, """{"role":"user","content":"And"}""");
        await BackAsync(gateway);
        await ChatAsync(gateway, """{"role":"user","content":"After"}""");
        await ChatAsync(gateway, """{"role":"user","content":"End"}""");

        Assert.Equal(["Mine", "Yours", "Next", "ok", "And"], Sent(provider, 2));
        Assert.Equal(["Mine", "Yours", "Next", "ok", "And", "ok", "After"], Sent(provider, 3));
        Assert.Equal(["Mine", "Yours", "Next", "ok", "And", "ok", "After", "ok", "End"], Sent(provider, 4));
    }

    [Fact]
    public async Task Requests_that_hand_over_at_once_do_it_once()
    {
        const int Sessions = 12;
        await using var own = new RedisServer();
        await own.InitializeAsync();
        await using var provider = ScriptedProvider.OpenAi().AlwaysAnswers(_ => Script.Json(OpenAiReplies.Completion("ok")));
        await using var gateway = await StartAsync(provider, own);
        var sessions = await Task.WhenAll(Enumerable.Range(0, Sessions).Select(_ => SayAsync(gateway, "Before")));

        await own.PauseAsync(TimeSpan.FromSeconds(2));
        await Task.WhenAll(sessions.Select(session => SayAsync(gateway, "During", session)));
        await BackAsync(gateway);
        foreach (var session in sessions)
        {
            await Task.WhenAll(Enumerable.Range(0, 6).Select(i => SayAsync(gateway, $"After {i}", session)));
            using var history = await HistoryAsync(gateway, session);

            var said = Contents(history.RootElement).Where(text => text != "ok").ToList();
            Assert.Equal(["Before", "During"], said.Take(2));
            Assert.Equal(Enumerable.Range(0, 6).Select(i => $"After {i}"), said.Skip(2).Order(StringComparer.Ordinal));
        }
    }

    [Fact]
    public async Task A_clients_own_id_is_in_no_key()
    {
        await using var provider = ScriptedProvider.OpenAi().AlwaysAnswers(_ => Script.Json(OpenAiReplies.Completion("ok")));
        await using var gateway = await StartAsync(provider);

        using var response = await gateway.SendAsync("/v1/chat/completions", """{"messages":[{"role":"user","content":"Hi"}]}""", Key, ("X-Session-Id", "my-own-id"));
        var keys = await redis.CommandAsync("EVAL", "return table.concat(redis.call('KEYS', '*'), ' ')", "0");

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Matches("session:[0-9a-f]{64}", keys);
        Assert.DoesNotContain("my-own-id", keys, StringComparison.Ordinal);
    }

    private async Task<GatewayUnderTest> StartAsync(ScriptedProvider provider, RedisServer? server = null)
    {
        var gateway = await new GatewayUnderTest().InProduction(provider).WithVariable("REDIS_URL", (server ?? redis).Url).StartAsync();
        await Eventually.AnswersAsync<bool>(async () => (await ReadyAsync(gateway)).Contains("\"ready\"", StringComparison.Ordinal) ? true : null, "Redis to be found");
        return gateway;
    }

    private static async Task BackAsync(GatewayUnderTest gateway) =>
        await Eventually.AnswersAsync<bool>(async () => (await ReadyAsync(gateway)).Contains("\"ready\"", StringComparison.Ordinal) ? true : null, "Redis to be found again");

    private static async Task ChatAsync(GatewayUnderTest gateway, string messages)
    {
        using var response = await gateway.SendAsync("/v1/chat/completions", $$"""{"messages":[{{messages}}]}""", Key, ("X-Session-Id", "my-own-id"));
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    private static async Task<string> ReadyAsync(GatewayUnderTest gateway) => await gateway.Client.GetStringAsync(new Uri("/health/ready", UriKind.Relative), Cancellation);

    private static async Task<string> SayAsync(GatewayUnderTest gateway, string text, string? session = null)
    {
        using var response = await gateway.SendAsync("/api/chat/message", JsonSerializer.Serialize(new { message = text, session_id = session, use_tools = false }), Key);
        using var json = JsonDocument.Parse(await response.Content.ReadAsStringAsync(Cancellation));
        Assert.True(response.StatusCode == HttpStatusCode.OK, json.RootElement.GetRawText());
        return json.RootElement.GetProperty("session_id").GetString()!;
    }

    private static async Task<JsonDocument> HistoryAsync(GatewayUnderTest gateway, string session)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, $"/api/chat/history/{session}");
        request.Headers.TryAddWithoutValidation(Key.Name, Key.Value);
        using var response = await gateway.Client.SendAsync(request, Cancellation);
        return JsonDocument.Parse(await response.EnsureSuccessStatusCode().Content.ReadAsStringAsync(Cancellation));
    }

    private static IEnumerable<string> Contents(JsonElement messages) => messages.EnumerateArray().Select(message => message.GetProperty("content").GetString()!);

    private static List<string> Sent(ScriptedProvider provider, int index) => [.. Contents(provider.Requests[index].Json().GetProperty("messages"))];
}
