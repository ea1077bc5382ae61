using System.Net;
using LlmGateway.FunctionalTests.Infrastructure;

namespace LlmGateway.FunctionalTests;

/// <summary>The response cache: what is answered again, to whom, and what never is.</summary>
public sealed class CacheTests
{
    private const string Chat = "/v1/chat/completions";
    private const string Agents = """{"agents":{"faq":{"provider":"internal","model_name":"internal-model","cache_ttl":60},"chat":{}}}""";
    private const string Hello = """{"messages":[{"role":"user","content":"Hello"}]}""";
    private const string StreamedHello = """{"stream":true,"messages":[{"role":"user","content":"Hello"}]}""";

    private static readonly (string Name, string Value) Key = ("Authorization", "Bearer sk-client");
    private static readonly (string Name, string Value) OtherKey = ("Authorization", "Bearer sk-other");
    private static readonly (string Name, string Value) Faq = ("X-Agent-Profile", "faq");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_same_question_is_answered_once_and_costs_once()
    {
        await using var provider = ScriptedProvider.OpenAi().Answers(Script.Json(OpenAiReplies.Completion("Hi")));
        await using var gateway = await StartAsync(provider);

        var first = await AskAsync(gateway, Hello);
        var second = await AskAsync(gateway, """{ "messages" : [ {"content":"Hello", "role":"user"} ] }""");

        Assert.Equal(("miss", "hit"), (first.Header("x-llm-cache"), second.Header("x-llm-cache")));
        Assert.Equal(first.Body, second.Body);
        Assert.Equal(("internal", "internal-model", "0"), (second.Header("x-llm-provider"), second.Header("x-llm-model"), second.Header("x-llm-attempts")));
        Assert.Single(provider.Requests);
        var records = (await gateway.Ledger.WaitForRequestsAsync(2)).OrderBy(record => (long)record["cached"]!).ToList();
        Assert.Equal((0L, 9L, 29L, 0L), (records[0]["cached"], records[0]["input_tokens"], records[0]["cost_micro_usd"], records[0]["saved_micro_usd"]));
        Assert.Equal((1L, 0L, 0L, 29L, "internal"), (records[1]["cached"], records[1]["input_tokens"], records[1]["cost_micro_usd"], records[1]["saved_micro_usd"], records[1]["provider"]));
        var metrics = await gateway.MetricsAsync();
        Assert.Equal((1, 1), (metrics.Sum("llm_gateway_cache_requests_total", ("result", "miss")), metrics.Sum("llm_gateway_cache_requests_total", ("result", "hit"))));
        Assert.Equal(0.000029, metrics.Sum("llm_gateway_cache_saved_usd_total", ("agent", "faq")), 9);
    }

    [Fact]
    public async Task A_stream_is_answered_again_as_the_same_stream()
    {
        await using var provider = ScriptedProvider.OpenAi().Answers(OpenAiReplies.Stream("Hel", "lo"));
        await using var gateway = await StartAsync(provider);

        var first = await AskAsync(gateway, StreamedHello);
        var second = await AskAsync(gateway, StreamedHello);

        first.AssertAnswered("Hello");
        second.AssertAnswered("Hello");
        Assert.Equal(first.Events.Select(one => one.Data), second.Events.Select(one => one.Data));
        Assert.Equal("hit", second.Header("x-llm-cache"));
    }

    [Fact]
    public async Task Another_client_never_gets_it()
    {
        await using var provider = ScriptedProvider.OpenAi().AlwaysAnswers(_ => Script.Json(OpenAiReplies.Completion("Hi")));
        await using var gateway = await StartAsync(provider);

        await AskAsync(gateway, Hello);
        var other = await AskAsync(gateway, Hello, OtherKey);

        Assert.Equal("miss", other.Header("x-llm-cache"));
        Assert.Equal(2, provider.Requests.Count);
    }

    [Theory]
    [InlineData("no-store", "bypass", "miss")]
    [InlineData("no-cache", "miss", "hit")]
    public async Task Cache_control_asks_for_a_fresh_answer(string control, string now, string then)
    {
        await using var provider = ScriptedProvider.OpenAi().AlwaysAnswers(_ => Script.Json(OpenAiReplies.Completion("Hi")));
        await using var gateway = await StartAsync(provider);

        var fresh = await AskAsync(gateway, Hello, ("Cache-Control", control));
        var later = await AskAsync(gateway, Hello);

        Assert.Equal((now, then), (fresh.Header("x-llm-cache"), later.Header("x-llm-cache")));
    }

    [Fact]
    public async Task An_agent_without_cache_ttl_has_none()
    {
        await using var provider = ScriptedProvider.OpenAi().AlwaysAnswers(_ => Script.Json(OpenAiReplies.Completion("Hi")));
        await using var gateway = await StartAsync(provider);

        var answers = new[] { await AskAsync(gateway, Hello, ("X-Agent-Profile", "chat")), await AskAsync(gateway, Hello, ("X-Agent-Profile", "chat")) };

        Assert.All(answers, answer => Assert.Equal("bypass", answer.Header("x-llm-cache")));
        Assert.Equal(2, provider.Requests.Count);
    }

    [Fact]
    public async Task What_is_not_clean_and_whole_is_not_kept()
    {
        await using var provider = ScriptedProvider.OpenAi().Answers(
            Script.Json(OpenAiReplies.Completion("Hi").Replace("\"stop\"", "\"length\"", StringComparison.Ordinal)),
            Script.Sse(OpenAiReplies.RoleChunk(), OpenAiReplies.ContentChunk("Half")).Reset(),
            Script.Sse(OpenAiReplies.RoleChunk(), OpenAiReplies.ContentChunk("Cut")).Event(OpenAiReplies.FinishChunk("content_filter")).Done(),
            Script.Json(OpenAiReplies.Error("no"), 400)).AlwaysAnswers(any => Script.Chosen(request => request.Json().TryGetProperty("stream", out _) ? OpenAiReplies.Stream("ok") : Script.Json(OpenAiReplies.Completion("ok"))));
        await using var gateway = await StartAsync(provider);

        var cut = await AskAsync(gateway, Hello);
        var broken = await AskAsync(gateway, StreamedHello);
        var filtered = await AskAsync(gateway, StreamedHello);
        var refused = await AskAsync(gateway, """{"messages":[{"role":"user","content":"Bad"}]}""");
        var answers = new[] { await AskAsync(gateway, Hello), await AskAsync(gateway, StreamedHello), await AskAsync(gateway, """{"messages":[{"role":"user","content":"Bad"}]}""") };

        broken.AssertBroken("Half");
        Assert.Equal(400, refused.Status);
        Assert.All([cut, broken, filtered, refused, .. answers], answer => Assert.Equal("miss", answer.Header("x-llm-cache")));
        Assert.All(answers, answer => answer.AssertAnswered("ok"));
    }

    [Fact]
    public async Task Identical_requests_at_once_share_one_call()
    {
        const int Clients = 500;
        var gate = new Gate();
        await using var provider = ScriptedProvider.OpenAi().Answers(new Script().WaitFor(gate).Head(200, "application/json", BodyFraming.Chunked).Text(OpenAiReplies.Completion("Hi")));
        await using var gateway = await StartAsync(provider);

        var asked = Enumerable.Range(0, Clients).Select(_ => AskAsync(gateway, Hello)).ToList();
        await gate.Reached.WaitAsync(Eventually.DefaultLimit, Cancellation);
        await gateway.WaitForMetricsAsync(page => page.Sum("llm_gateway_requests_in_flight", ("endpoint", Chat)) >= Clients, "all of them to be there");
        gate.Release();
        var answers = await Task.WhenAll(asked);

        Assert.Single(provider.Requests);
        Assert.All(answers, answer => answer.AssertAnswered("Hi"));
        Assert.Equal(1, answers.Count(answer => answer.Header("x-llm-cache") == "miss"));
        Assert.Equal(Clients, (await gateway.Ledger.WaitForRequestsAsync(Clients)).Count);
    }

    /// <summary>Nor does a client wait for another's call and take its answer.</summary>
    [Fact]
    public async Task Identical_requests_of_two_clients_at_once_are_two_calls()
    {
        var gate = new Gate();
        await using var provider = ScriptedProvider.OpenAi().Answers(
            new Script().WaitFor(gate).Head(200, "application/json", BodyFraming.Chunked).Text(OpenAiReplies.Completion("one's own")),
            Script.Json(OpenAiReplies.Completion("the other's")));
        await using var gateway = await StartAsync(provider);

        var first = AskAsync(gateway, Hello);
        await gate.Reached.WaitAsync(Eventually.DefaultLimit, Cancellation);
        var other = await AskAsync(gateway, Hello, OtherKey);
        gate.Release();

        other.AssertAnswered("the other's");
        (await first).AssertAnswered("one's own");
        Assert.Equal(("miss", 2), (other.Header("x-llm-cache"), provider.Requests.Count));
        Assert.Equal(["hit", "hit"], new[] { await AskAsync(gateway, Hello), await AskAsync(gateway, Hello, OtherKey) }.Select(again => again.Header("x-llm-cache")));
        Assert.DoesNotContain("cache-key", other.Everything, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task A_replay_that_its_client_leaves_has_its_record_and_the_next_is_whole()
    {
        var text = new string('x', 2 << 20);
        await using var provider = ScriptedProvider.OpenAi().Answers(Script.Sse(OpenAiReplies.RoleChunk(), OpenAiReplies.ContentChunk(text), OpenAiReplies.FinishChunk()).Done());
        await using var gateway = await StartAsync(provider);
        (await AskAsync(gateway, StreamedHello)).AssertAnswered(text);

        (await gateway.OpenStreamAsync(Chat, StreamedHello, Key, Faq)).Dispose();
        var again = await AskAsync(gateway, StreamedHello);

        again.AssertAnswered(text);
        Assert.Equal("hit", again.Header("x-llm-cache"));
        Assert.Single(provider.Requests);
        var records = await gateway.Ledger.WaitForRequestsAsync(3);
        Assert.Equal([0L, 1L, 1L], records.Select(record => (long)record["cached"]!).Order());
        Assert.All(records.Where(record => (long)record["cached"]! == 1), record => Assert.Equal(0L, record["cost_micro_usd"]));
    }

    [Fact]
    public async Task A_leader_that_leaves_takes_nobody_along()
    {
        var gate = new Gate();
        await using var provider = ScriptedProvider.OpenAi().Answers(
            Script.Sse(OpenAiReplies.RoleChunk(), OpenAiReplies.ContentChunk("Half")).WaitFor(gate), OpenAiReplies.Stream("Whole"));
        await using var gateway = await StartAsync(provider);

        var leader = await gateway.OpenStreamAsync(Chat, StreamedHello, Key, Faq);
        var follower = AskAsync(gateway, StreamedHello);
        await gateway.WaitForMetricsAsync(page => page.Sum("llm_gateway_requests_in_flight", ("endpoint", Chat)) >= 2, "the second to be there");
        leader.Dispose();
        var answer = await follower;
        gate.Release();

        answer.AssertAnswered("Whole");
        Assert.Equal(2, provider.Requests.Count);
    }

    [Fact]
    public async Task A_reload_and_the_admin_forget_it()
    {
        await using var provider = ScriptedProvider.OpenAi().AlwaysAnswers(_ => Script.Json(OpenAiReplies.Completion("Hi")));
        await using var gateway = await StartAsync(provider);
        await AskAsync(gateway, Hello);

        using var cleared = new HttpRequestMessage(HttpMethod.Delete, "/admin/cache");
        cleared.Headers.TryAddWithoutValidation("Authorization", "Bearer sk-admin-key-of-the-test");
        using var answer = await gateway.Client.SendAsync(cleared, Cancellation);
        var afterClear = await AskAsync(gateway, Hello);
        using var changed = new HttpRequestMessage(HttpMethod.Put, "/admin/agents/new") { Content = new StringContent("{}", null, "application/json") };
        changed.Headers.TryAddWithoutValidation("Authorization", "Bearer sk-admin-key-of-the-test");
        using var put = await gateway.Client.SendAsync(changed, Cancellation);
        var afterReload = await AskAsync(gateway, Hello);

        Assert.Equal((HttpStatusCode.NoContent, HttpStatusCode.OK), (answer.StatusCode, put.StatusCode));
        Assert.Equal(("miss", "miss", "hit"), (afterClear.Header("x-llm-cache"), afterReload.Header("x-llm-cache"), (await AskAsync(gateway, Hello)).Header("x-llm-cache")));
    }

    [Fact]
    public async Task The_messages_api_is_answered_from_it_in_its_own_form()
    {
        await using var provider = ScriptedProvider.OpenAi().Answers(OpenAiReplies.Stream("Hel", "lo"));
        await using var gateway = await StartAsync(provider);
        const string Message = """{"model":"m","max_tokens":9,"stream":true,"messages":[{"role":"user","content":"Hello"}]}""";

        var texts = new List<string>();
        for (var i = 0; i < 2; i++)
        {
            using var response = await gateway.SendAsync("/v1/messages", Message, Key, Faq);
            texts.Add(await response.Content.ReadAsStringAsync(Cancellation));
        }

        Assert.Single(provider.Requests);
        Assert.All(texts, text => Assert.Contains("message_stop", text, StringComparison.Ordinal));
    }

    private static Task<GatewayUnderTest> StartAsync(ScriptedProvider provider) => new GatewayUnderTest().InProduction(provider)
        .WithVariable("GATEWAY_API_KEYS", "test:sk-client,other:sk-other")
        .WithVariable("ADMIN_API_KEY", "sk-admin-key-of-the-test")
        .WithSettings($"providers:\n  internal:\n    type: internal\n    base_url: {provider.BaseUrl}/v1\n    models:\n      internal-model: {{ input_cost_per_1m: 1, output_cost_per_1m: 10 }}\n")
        .WithAgents(Agents).StartAsync();

    private static async Task<ChatAnswer> AskAsync(GatewayUnderTest gateway, string body, (string Name, string Value)? other = null)
    {
        var isKey = other?.Name == Key.Name;
        var isAgent = other?.Name == Faq.Name;
        (string Name, string Value)[] headers = [isKey ? other!.Value : Key, isAgent ? other!.Value : Faq, .. other is { } more && !isKey && !isAgent ? new[] { more } : []];
        using var response = await gateway.OpenStreamAsync(Chat, body, headers);
        return await ChatAnswer.ReadAsync(response);
    }
}
