using System.Globalization;
using System.Net;
using LlmGateway.Caching;
using LlmGateway.FunctionalTests.Infrastructure;
using LlmGateway.Redis;
using Microsoft.Extensions.DependencyInjection;

namespace LlmGateway.FunctionalTests;

/// <summary>The response cache of two instances in a real Redis, and what becomes of it when Redis is away.</summary>
[Collection(nameof(RedisCollection))]
public sealed class CacheSharedTests(RedisServer redis)
{
    private const string Chat = "/v1/chat/completions";
    private const string AdminKey = "sk-admin-key-of-the-test";

    private static int _number;

    /// <summary>No two tests ask the same: what one caches, another must not find.</summary>
    private readonly string _question = string.Create(CultureInfo.InvariantCulture, $"Question {Interlocked.Increment(ref _number)}");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_one_instance_was_told_the_other_tells()
    {
        await using var provider = ScriptedProvider.OpenAi().Answers(Script.Json(OpenAiReplies.Completion("Hi")), OpenAiReplies.Stream("Hel", "lo"));
        await using var first = await StartAsync(provider);
        await using var second = await StartAsync(provider);

        var answers = new[] { await AskAsync(first), await AskAsync(second) };
        var streams = new[] { await AskAsync(second, isStreaming: true), await AskAsync(first, isStreaming: true) };

        Assert.Equal(["miss", "hit"], answers.Select(answer => answer.Header("x-llm-cache")));
        Assert.Equal(["miss", "hit"], streams.Select(answer => answer.Header("x-llm-cache")));
        Assert.All(answers, answer => answer.AssertAnswered("Hi"));
        Assert.All(streams, answer => answer.AssertAnswered("Hello"));
        Assert.Equal(2, provider.Requests.Count);
        var saved = (await second.Ledger.WaitForRequestsAsync(2)).Count(record => (long)record["cached"]! == 1);
        Assert.Equal(1, saved);
    }

    /// <summary>Who waits for another's call asks Redis nothing: what it missed there just before the answer was kept would make a second call of one.</summary>
    [Fact]
    public async Task Those_who_wait_for_an_answer_do_not_look_for_it()
    {
        const int Clients = 20;
        await using var own = new RedisServer();
        await own.InitializeAsync();
        var gate = new Gate();
        await using var provider = ScriptedProvider.OpenAi().Answers(new Script().WaitFor(gate).Head(200, "application/json", BodyFraming.Chunked).Text(OpenAiReplies.Completion("Hi")));
        await using var gateway = await StartAsync(provider, own);

        var asked = Enumerable.Range(0, Clients).Select(_ => AskAsync(gateway)).ToList();
        await gate.Reached.WaitAsync(Eventually.DefaultLimit, Cancellation);
        await gateway.WaitForMetricsAsync(page => page.Sum("llm_gateway_requests_in_flight", ("endpoint", Chat)) >= Clients, "all of them to be there");
        gate.Release();
        var answers = await Task.WhenAll(asked);
        var looks = await own.CommandAsync("EVAL", "return string.match(redis.call('INFO', 'commandstats'), 'cmdstat_get:calls=(%d+)')", "0");

        Assert.All(answers, answer => answer.AssertAnswered("Hi"));
        Assert.Single(provider.Requests);
        Assert.InRange(int.Parse(looks, CultureInfo.InvariantCulture), 1, Clients - 1);
    }

    [Fact]
    public async Task What_one_is_told_to_forget_both_forget()
    {
        await using var provider = ScriptedProvider.OpenAi().AlwaysAnswers(_ => Script.Json(OpenAiReplies.Completion("Hi")));
        await using var first = await StartAsync(provider);
        await using var second = await StartAsync(provider);
        await AskAsync(first);
        Assert.Equal("hit", (await AskAsync(second)).Header("x-llm-cache"));

        using (var cleared = await ClearAsync(first))
        {
            Assert.Equal(HttpStatusCode.NoContent, cleared.StatusCode);
        }

        Assert.Equal("miss", (await AskAsync(second)).Header("x-llm-cache"));
        Assert.Equal("hit", (await AskAsync(first)).Header("x-llm-cache"));
        Assert.Equal(2, provider.Requests.Count);
    }

    [Fact]
    public async Task A_very_long_answer_is_given_and_not_shared()
    {
        var (within, beyond) = (new string('w', ResponseCache.MaxSharedBytes - 4096), new string('b', ResponseCache.MaxSharedBytes));
        await using var provider = ScriptedProvider.OpenAi().Answers(
            Script.Json(OpenAiReplies.Completion(beyond)), Script.Json(OpenAiReplies.Completion(beyond)), Script.Json(OpenAiReplies.Completion(within)));
        await using var first = await StartAsync(provider);
        await using var second = await StartAsync(provider);

        var answers = new[] { await AskAsync(first), await AskAsync(second) };
        var shorter = new[] { await AskAsync(first, more: "!"), await AskAsync(second, more: "!") };

        Assert.All(answers, answer => Assert.Equal("miss", answer.Header("x-llm-cache")));
        Assert.All(answers, answer => answer.AssertAnswered(beyond));
        Assert.Equal(["miss", "hit"], shorter.Select(answer => answer.Header("x-llm-cache")));
        Assert.All(shorter, answer => answer.AssertAnswered(within));
        Assert.Equal(3, provider.Requests.Count);
    }

    [Fact]
    public async Task With_Redis_dead_answers_go_on_and_the_cache_comes_back_with_it()
    {
        await using var provider = ScriptedProvider.OpenAi().AlwaysAnswers(_ => Script.Json(OpenAiReplies.Completion("Hi")));
        await using var gateway = await StartAsync(provider);
        await AskAsync(gateway);
        Assert.Equal("hit", (await AskAsync(gateway)).Header("x-llm-cache"));

        await redis.KillAsync();
        try
        {
            for (var i = 0; i < 3; i++)
            {
                var answer = await AskAsync(gateway);
                answer.AssertAnswered("Hi");
                Assert.Equal("miss", answer.Header("x-llm-cache"));
            }

            Assert.False(StoreOf(gateway).IsUp);
            using var refused = await ClearAsync(gateway);
            Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
        }
        finally
        {
            await redis.StartAsync();
        }

        await Eventually.TrueAsync(() => StoreOf(gateway).IsUp, "Redis to be found again");
        Assert.Equal("miss", (await AskAsync(gateway)).Header("x-llm-cache"));
        Assert.Equal("hit", (await AskAsync(gateway)).Header("x-llm-cache"));
        Assert.Equal(5, provider.Requests.Count);
    }

    [Fact]
    public async Task What_somebody_else_wrote_there_is_no_answer()
    {
        await using var provider = ScriptedProvider.OpenAi().AlwaysAnswers(_ => Script.Json(OpenAiReplies.Completion("Hi")));
        await using var gateway = await StartAsync(provider);
        await AskAsync(gateway);
        var changed = await redis.CommandAsync(
            "EVAL", "local keys = redis.call('KEYS', 'llm-gateway:cache:*') for _, key in ipairs(keys) do redis.call('SET', key, 'not an answer') end return #keys", "0");
        Assert.NotEqual(":0", changed);

        var answer = await AskAsync(gateway);

        answer.AssertAnswered("Hi");
        Assert.Equal("miss", answer.Header("x-llm-cache"));
    }

    private async Task<GatewayUnderTest> StartAsync(ScriptedProvider provider, RedisServer? server = null)
    {
        var gateway = await new GatewayUnderTest().InProduction(provider)
            .WithVariable("GATEWAY_API_KEYS", "test:sk-client")
            .WithVariable("ADMIN_API_KEY", AdminKey)
            .WithVariable("REDIS_URL", (server ?? redis).Url)
            .WithAgents("""{"agents":{"faq":{"provider":"internal","model_name":"internal-model","cache_ttl":60}}}""").StartAsync();
        await Eventually.TrueAsync(() => StoreOf(gateway).IsUp, "Redis to be found");
        return gateway;
    }

    private async Task<ChatAnswer> AskAsync(GatewayUnderTest gateway, bool isStreaming = false, string more = "")
    {
        using var response = await gateway.OpenStreamAsync(
            Chat,
            $$"""{{{(isStreaming ? "\"stream\":true," : "")}}"messages":[{"role":"user","content":"{{_question}}{{more}}"}]}""",
            ("Authorization", "Bearer sk-client"),
            ("X-Agent-Profile", "faq"));
        return await ChatAnswer.ReadAsync(response);
    }

    private static async Task<HttpResponseMessage> ClearAsync(GatewayUnderTest gateway)
    {
        using var request = new HttpRequestMessage(HttpMethod.Delete, "/admin/cache");
        request.Headers.TryAddWithoutValidation("Authorization", "Bearer " + AdminKey);
        return await gateway.Client.SendAsync(request, Cancellation);
    }

    private static RedisStore StoreOf(GatewayUnderTest gateway) => gateway.Services.GetRequiredService<RedisStore>();
}
