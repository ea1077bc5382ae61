using System.Net;
using System.Text.Json;
using LlmGateway.FunctionalTests.Infrastructure;
using LlmGateway.Sessions;
using Microsoft.Extensions.DependencyInjection;

namespace LlmGateway.FunctionalTests;

/// <summary>The session API and the agent API: what they take, answer, remember and refuse.</summary>
public sealed class SessionApiTests
{
    private static readonly (string Name, string Value) Key = ("Authorization", "Bearer sk-client");
    private static readonly (string Name, string Value) OtherKey = ("Authorization", "Bearer sk-other");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_conversation_is_remembered_and_can_be_read()
    {
        await using var provider = ScriptedProvider.OpenAi().Answers(Script.Json(OpenAiReplies.Completion("Hi Ann")), Script.Json(OpenAiReplies.Completion("Ann")));
        await using var gateway = await StartAsync(provider);
        var session = await CreateAsync(gateway);

        var first = await SayAsync(gateway, $$"""{"message":"I am Ann","session_id":"{{session}}","use_tools":false}""");
        var second = await SayAsync(gateway, $$"""{"message":"Who am I?","session_id":"{{session}}","use_tools":false}""");
        var history = await GetAsync(gateway, $"/api/chat/history/{session}");

        Assert.Equal((session, "Hi Ann", "internal-model"), (Text(first, "session_id"), Text(first, "response"), Text(first, "model_used")));
        Assert.Equal(("internal", 11), (Text(first.GetProperty("metadata"), "provider"), first.GetProperty("metadata").GetProperty("tokens_used").GetInt32()));
        Assert.True(first.GetProperty("metadata").GetProperty("response_time").GetDouble() > 0);
        Assert.Equal(0, first.GetProperty("tools_used").GetArrayLength() + first.GetProperty("metadata").GetProperty("tool_results").GetArrayLength());
        Assert.Equal("Ann", Text(second, "response"));
        Assert.Equal(3, provider.Requests[1].Json().GetProperty("messages").GetArrayLength());
        Assert.Equal(["user", "assistant", "user", "assistant"], history.EnumerateArray().Select(message => Text(message, "role")));
        Assert.Equal(["I am Ann", "Hi Ann", "Who am I?", "Ann"], history.EnumerateArray().Select(message => Text(message, "content")));
        Assert.All(history.EnumerateArray(), message => Assert.True(message.GetProperty("timestamp").TryGetDateTimeOffset(out _) && message.GetProperty("metadata").ValueKind == JsonValueKind.Object));
    }

    [Fact]
    public async Task Without_a_session_id_one_is_made()
    {
        await using var provider = ScriptedProvider.OpenAi().AlwaysAnswers(_ => Script.Json(OpenAiReplies.Completion("ok")));
        await using var gateway = await StartAsync(provider);

        var first = await SayAsync(gateway, """{"message":"One","use_tools":false}""");
        var again = await SayAsync(gateway, $$"""{"message":"Two","session_id":"{{Text(first, "session_id")}}","use_tools":false}""");

        Assert.True(Guid.TryParse(Text(first, "session_id"), out _));
        Assert.Equal(Text(first, "session_id"), Text(again, "session_id"));
        Assert.Equal(3, provider.Requests[1].Json().GetProperty("messages").GetArrayLength());
    }

    [Fact]
    public async Task A_stream_tells_its_session_then_its_words_then_its_end()
    {
        await using var provider = ScriptedProvider.OpenAi().Answers(OpenAiReplies.Stream("Hel", "lo"));
        await using var gateway = await StartAsync(provider);
        var session = await CreateAsync(gateway);

        using var response = await gateway.OpenStreamAsync("/api/chat/message/stream", $$"""{"message":"Hi","session_id":"{{session}}","use_tools":false}""", Key);
        await using var reader = await SseReader.OpenAsync(response, Cancellation);
        var events = await reader.ReadToEndAsync();

        Assert.Equal(["metadata", "message", "message", "done"], events.Select(one => one.Name));
        Assert.Equal($$"""{"session_id":"{{session}}","agent":"default","model":"internal-model"}""", events[0].Data);
        Assert.Equal(["""{"content":"Hel"}""", """{"content":"lo"}""", """{"status":"completed"}"""], events[1..].Select(one => one.Data));
        Assert.Equal(2, (await GetAsync(gateway, $"/api/chat/history/{session}")).GetArrayLength());
    }

    [Fact]
    public async Task A_stream_that_breaks_ends_with_an_error_event()
    {
        await using var provider = ScriptedProvider.OpenAi().Answers(Script.Sse(OpenAiReplies.RoleChunk(), OpenAiReplies.ContentChunk("Half")).Reset());
        await using var gateway = await StartAsync(provider);

        using var response = await gateway.OpenStreamAsync("/api/chat/message/stream", """{"message":"Hi","use_tools":false}""", Key);
        await using var reader = await SseReader.OpenAsync(response, Cancellation);
        var events = await reader.ReadToEndAsync();

        Assert.Equal(["metadata", "message", "error"], events.Select(one => one.Name));
        using var error = JsonDocument.Parse(events[^1].Data);
        Assert.Equal("upstream_stream_error", Text(error.RootElement, "code"));
        Assert.Contains("broke off", Text(error.RootElement, "message"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Sampling_comes_from_the_request_then_the_profile_then_the_usual()
    {
        await using var provider = ScriptedProvider.OpenAi().AlwaysAnswers(_ => Script.Json(OpenAiReplies.Completion("ok")));
        await using var gateway = await StartAsync(provider, """{"agents":{"cool":{"temperature":0.2,"max_tokens":77}}}""");

        await SayAsync(gateway, """{"message":"Hi","use_tools":false}""");
        await SayAsync(gateway, """{"message":"Hi","agent":"cool","use_tools":false}""");
        await SayAsync(gateway, """{"message":"Hi","agent":"cool","temperature":1.5,"max_tokens":5,"use_tools":false}""");

        Assert.Equal([(0.7, 1000), (0.2, 77), (1.5, 5)], provider.Requests.Select(request => request.Json()).Select(sent => (sent.GetProperty("temperature").GetDouble(), sent.GetProperty("max_tokens").GetInt32())));
    }

    [Theory]
    [InlineData("""{"message":""}""", 400, "invalid_request", "message")]
    [InlineData("{}", 400, "missing_required_parameter", "message")]
    [InlineData("""{"message":"Hi","temperature":2.1}""", 400, "invalid_request", "temperature")]
    [InlineData("""{"message":"Hi","max_tokens":4001}""", 400, "invalid_request", "max_tokens")]
    [InlineData("""{"message":"Hi","max_tokens":1.5}""", 400, "invalid_request", "max_tokens")]
    [InlineData("""{"message":"Hi","use_tools":"no"}""", 400, "invalid_request", "use_tools")]
    [InlineData("""{"message":"Hi","session_id":"a b"}""", 400, "invalid_request", "session_id")]
    [InlineData("""{"message":"Hi","sesion_id":"x"}""", 400, "invalid_request", "sesion_id")]
    [InlineData("""{"message":"Hi","agent":"nobody"}""", 404, "agent_not_found", "agent")]
    [InlineData("""{"message":"Hi","session_id":"0b8f7f63-0000-4000-8000-000000000000"}""", 404, "session_not_found", "session_id")]
    [InlineData("""{"message":"Hi","session_id":"never-made"}""", 404, "session_not_found", "session_id")]
    [InlineData("""{"message":""", 400, "invalid_json", null)]
    public async Task What_is_wrong_is_said(string body, int status, string code, string? param)
    {
        await using var provider = ScriptedProvider.OpenAi();
        await using var gateway = await StartAsync(provider);

        foreach (var path in (string[])["/api/chat/message", "/api/chat/message/stream"])
        {
            using var response = await gateway.SendAsync(path, body, Key);
            using var json = JsonDocument.Parse(await response.Content.ReadAsStringAsync(Cancellation));
            var error = json.RootElement.GetProperty("error");
            Assert.Equal((status, code, param), ((int)response.StatusCode, error.GetProperty("code").GetString(), error.GetProperty("param").GetString()));
        }

        Assert.Empty(provider.Requests);
    }

    [Fact]
    public async Task Another_keys_session_is_not_found()
    {
        await using var provider = ScriptedProvider.OpenAi().AlwaysAnswers(_ => Script.Json(OpenAiReplies.Completion("ok")));
        await using var gateway = await StartAsync(provider);
        var session = await CreateAsync(gateway);
        await SayAsync(gateway, $$"""{"message":"Secret","session_id":"{{session}}","use_tools":false}""");

        using var said = await gateway.SendAsync("/api/chat/message", $$"""{"message":"Hi","session_id":"{{session}}"}""", OtherKey);
        using var chat = await gateway.SendAsync("/v1/chat/completions", """{"messages":[{"role":"user","content":"Hi"}]}""", OtherKey, ("X-Session-Id", session));
        using var read = await SendAsync(gateway, HttpMethod.Get, $"/api/chat/history/{session}", OtherKey);
        using var ended = await SendAsync(gateway, HttpMethod.Delete, $"/api/chat/session/{session}", OtherKey);

        Assert.All([said, chat, read, ended], response => Assert.Equal(HttpStatusCode.NotFound, response.StatusCode));
        Assert.Equal(2, (await GetAsync(gateway, $"/api/chat/history/{session}")).GetArrayLength());
    }

    [Fact]
    public async Task A_session_that_is_ended_is_gone_and_its_history_stays()
    {
        await using var provider = ScriptedProvider.OpenAi().AlwaysAnswers(_ => Script.Json(OpenAiReplies.Completion("ok")));
        await using var gateway = await StartAsync(provider);
        var session = await CreateAsync(gateway);
        await SayAsync(gateway, $$"""{"message":"Hi","session_id":"{{session}}","use_tools":false}""");

        using var ended = await SendAsync(gateway, HttpMethod.Delete, $"/api/chat/session/{session}", Key);
        using var again = await SendAsync(gateway, HttpMethod.Delete, $"/api/chat/session/{session}", Key);
        using var said = await gateway.SendAsync("/api/chat/message", $$"""{"message":"Hi","session_id":"{{session}}"}""", Key);
        var history = await HistoryFromDatabaseAsync(gateway, session, 2);

        Assert.Equal((200, 404, 404), ((int)ended.StatusCode, (int)again.StatusCode, (int)said.StatusCode));
        Assert.Equal(["Hi", "ok"], history.EnumerateArray().Select(message => Text(message, "content")));
        Assert.Equal("internal-model", Text(history[1].GetProperty("metadata"), "model_used"));
    }

    [Fact]
    public async Task With_no_retention_no_text_is_stored()
    {
        await using var provider = ScriptedProvider.OpenAi().AlwaysAnswers(_ => Script.Json(OpenAiReplies.Completion("ok")));
        await using var gateway = await StartAsync(provider, settings: gateway => gateway.WithVariable("HISTORY_RETENTION_DAYS", "0"));
        var session = await CreateAsync(gateway);
        await SayAsync(gateway, $$"""{"message":"Hi","session_id":"{{session}}","use_tools":false}""");

        using var ended = await SendAsync(gateway, HttpMethod.Delete, $"/api/chat/session/{session}", Key);
        using var read = await SendAsync(gateway, HttpMethod.Get, $"/api/chat/history/{session}", Key);

        Assert.Equal((200, 404), ((int)ended.StatusCode, (int)read.StatusCode));
        Assert.False(gateway.Services.GetRequiredService<ChatHistory>().IsKept);
    }

    [Fact]
    public async Task An_agent_completes_a_prompt_with_its_variables_filled_in()
    {
        await using var provider = ScriptedProvider.OpenAi().Answers(Script.Json(OpenAiReplies.Completion("""{"ok":true}""")), Script.Json(OpenAiReplies.Completion("""{"ok":true}""")));
        await using var gateway = await StartAsync(
            provider, """{"agents":{"judge":{"system_prompt":"Judge in {{language}}. {{other}}","response_format":"json"},"poet":{"system_prompt":"Rhyme."}}}""");

        using var judged = await gateway.SendAsync("/api/agents/judge/complete", """{"input":"Fair?","variables":{"language":"{{other}}","n":7}}""", Key);
        using var rhymed = await gateway.SendAsync("/api/agents/poet/complete", """{"input":"Sun"}""", Key);
        var json = JsonDocument.Parse(await judged.Content.ReadAsStringAsync(Cancellation)).RootElement;
        var text = JsonDocument.Parse(await rhymed.Content.ReadAsStringAsync(Cancellation)).RootElement;

        Assert.Equal("Judge in {{other}}. {{other}}", provider.Requests[0].Json().GetProperty("messages")[0].GetProperty("content").GetString());
        Assert.Equal(("judge", """{"ok":true}""", "internal-model", "internal"), (Text(json, "agent"), Text(json, "content"), Text(json, "model"), Text(json, "provider")));
        Assert.True(json.GetProperty("json").GetProperty("ok").GetBoolean());
        Assert.Equal(11, json.GetProperty("usage").GetProperty("total_tokens").GetInt32());
        Assert.False(text.TryGetProperty("json", out _));
    }

    [Theory]
    [InlineData("/api/agents/nobody/complete", """{"input":"x"}""", 404, "agent_not_found", "agent")]
    [InlineData("/api/agents/poet/complete", "{}", 400, "missing_required_parameter", "input")]
    [InlineData("/api/agents/poet/complete", """{"input":"x","variables":{"a":{}}}""", 400, "invalid_request", "variables")]
    [InlineData("/api/agents/poet/complete", """{"input":"x","system_prompt":"y"}""", 400, "invalid_request", "system_prompt")]
    public async Task What_is_wrong_with_an_agents_prompt_is_said(string path, string body, int status, string code, string param)
    {
        await using var provider = ScriptedProvider.OpenAi();
        await using var gateway = await StartAsync(provider, """{"agents":{"poet":{}}}""");

        using var response = await gateway.SendAsync(path, body, Key);

        using var json = JsonDocument.Parse(await response.Content.ReadAsStringAsync(Cancellation));
        var error = json.RootElement.GetProperty("error");
        Assert.Equal((status, code, param), ((int)response.StatusCode, error.GetProperty("code").GetString(), error.GetProperty("param").GetString()));
    }

    private static Task<GatewayUnderTest> StartAsync(ScriptedProvider provider, string? agents = null, Action<GatewayUnderTest>? settings = null)
    {
        var gateway = new GatewayUnderTest().InProduction(provider).WithVariable("GATEWAY_API_KEYS", "test:sk-client,other:sk-other");
        if (agents is not null)
        {
            gateway.WithAgents(agents);
        }

        settings?.Invoke(gateway);
        return gateway.StartAsync();
    }

    private static async Task<string> CreateAsync(GatewayUnderTest gateway)
    {
        using var response = await SendAsync(gateway, HttpMethod.Post, "/api/chat/session", Key);
        using var json = JsonDocument.Parse(await response.Content.ReadAsStringAsync(Cancellation));
        return json.RootElement.GetProperty("session_id").GetString()!;
    }

    private static async Task<JsonElement> SayAsync(GatewayUnderTest gateway, string body)
    {
        using var response = await gateway.SendAsync("/api/chat/message", body, Key);
        var text = await response.Content.ReadAsStringAsync(Cancellation);
        Assert.True(response.StatusCode == HttpStatusCode.OK, text);
        return JsonDocument.Parse(text).RootElement;
    }

    private static async Task<JsonElement> GetAsync(GatewayUnderTest gateway, string path)
    {
        using var response = await SendAsync(gateway, HttpMethod.Get, path, Key);
        return JsonDocument.Parse(await response.EnsureSuccessStatusCode().Content.ReadAsStringAsync(Cancellation)).RootElement;
    }

    /// <summary>History is written behind the answer: asked for until it is there.</summary>
    private static async Task<JsonElement> HistoryFromDatabaseAsync(GatewayUnderTest gateway, string session, int messages)
    {
        JsonElement history = default;
        await Eventually.AnswersAsync<bool>(
            async () =>
            {
                using var response = await SendAsync(gateway, HttpMethod.Get, $"/api/chat/history/{session}", Key);
                if (response.StatusCode != HttpStatusCode.OK)
                {
                    return null;
                }

                history = JsonDocument.Parse(await response.Content.ReadAsStringAsync(Cancellation)).RootElement;
                return history.GetArrayLength() == messages ? true : null;
            },
            "the history is in the database");
        return history;
    }

    private static async Task<HttpResponseMessage> SendAsync(GatewayUnderTest gateway, HttpMethod method, string path, (string Name, string Value) key)
    {
        using var request = new HttpRequestMessage(method, path);
        request.Headers.TryAddWithoutValidation(key.Name, key.Value);
        return await gateway.Client.SendAsync(request, Cancellation);
    }

    private static string? Text(JsonElement json, string name) => json.GetProperty(name).GetString();
}
