using System.Globalization;
using System.Net;
using System.Text.Json;
using LlmGateway.FunctionalTests.Infrastructure;

namespace LlmGateway.FunctionalTests;

/// <summary>Conversations that the gateway remembers: <c>X-Session-Id</c> for any OpenAI client.</summary>
public sealed class SessionTests
{
    private const string Chat = "/v1/chat/completions";

    private static readonly (string Name, string Value) Key = ("Authorization", "Bearer sk-client");

    [Fact]
    public async Task A_session_goes_in_front_of_the_next_question()
    {
        await using var provider = ScriptedProvider.OpenAi().Answers(Script.Json(OpenAiReplies.Completion("Hi Ann")), Script.Json(OpenAiReplies.Completion("Ann")));
        await using var gateway = await new GatewayUnderTest().InProduction(provider).StartAsync();

        await AskAsync(gateway, "I am Ann");
        await AskAsync(gateway, "Who am I?", system: "Be short");

        Assert.Equal(["user:I am Ann"], Sent(provider, 0));
        Assert.Equal(["system:Be short", "user:I am Ann", "assistant:Hi Ann", "user:Who am I?"], Sent(provider, 1));
    }

    [Fact]
    public async Task A_streamed_answer_is_remembered_when_its_end_has_come()
    {
        await using var provider = ScriptedProvider.OpenAi().Answers(OpenAiReplies.Stream("Hi ", "\"Ann\" 😀"), OpenAiReplies.Stream("Ann"));
        await using var gateway = await new GatewayUnderTest().InProduction(provider).StartAsync();

        var first = await AskAsync(gateway, "I am Ann", isStreamed: true);
        await AskAsync(gateway, "Who am I?", isStreamed: true);

        first.AssertAnswered("Hi \"Ann\" 😀");
        Assert.Equal(["user:I am Ann", "assistant:Hi \"Ann\" 😀", "user:Who am I?"], Sent(provider, 1));
    }

    [Fact]
    public async Task An_answer_that_breaks_off_is_not_remembered()
    {
        await using var provider = ScriptedProvider.OpenAi().Answers(
            Script.Sse(OpenAiReplies.RoleChunk(), OpenAiReplies.ContentChunk("Half")).Reset(), Script.Json(OpenAiReplies.Completion("ok")));
        await using var gateway = await new GatewayUnderTest().InProduction(provider).StartAsync();

        var broken = await AskAsync(gateway, "First", isStreamed: true);
        await AskAsync(gateway, "Second");

        broken.AssertBroken("Half");
        Assert.Equal(["user:Second"], Sent(provider, 1));
    }

    [Fact]
    public async Task A_client_that_sends_its_own_history_is_taken_at_its_word()
    {
        await using var provider = ScriptedProvider.OpenAi().AlwaysAnswers(_ => Script.Json(OpenAiReplies.Completion("ok")));
        await using var gateway = await new GatewayUnderTest().InProduction(provider).StartAsync();

        await AskAsync(gateway, "Forgotten");
        await PostAsync(gateway, """{"messages":[{"role":"user","content":"A"},{"role":"assistant","content":"B"},{"role":"user","content":"C"}]}""");
        await AskAsync(gateway, "D");

        Assert.Equal(["user:A", "assistant:B", "user:C"], Sent(provider, 1));
        Assert.Equal(["user:A", "assistant:B", "user:C", "assistant:ok", "user:D"], Sent(provider, 2));
    }

    [Fact]
    public async Task A_tool_call_and_its_result_stay_together()
    {
        const string Call = """{"id":"c1","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}}""";
        const string Tools = """[{"type":"function","function":{"name":"f","parameters":{"type":"object"}}}]""";
        await using var provider = ScriptedProvider.OpenAi().Answers(
            Script.Json(OpenAiReplies.Completion("").Replace("\"content\":\"\"", $"\"content\":null,\"tool_calls\":[{Call}]", StringComparison.Ordinal).Replace("\"stop\"", "\"tool_calls\"", StringComparison.Ordinal)),
            Script.Json(OpenAiReplies.Completion("Done")),
            Script.Json(OpenAiReplies.Completion("Yes")));
        await using var gateway = await new GatewayUnderTest().InProduction(provider).StartAsync();

        await PostAsync(gateway, $$"""{"messages":[{"role":"user","content":"Run f"}],"tools":{{Tools}}}""");
        await PostAsync(gateway, $$$"""{"messages":[{"role":"user","content":"Run f"},{"role":"assistant","content":null,"tool_calls":[{{{Call}}}]},{"role":"tool","tool_call_id":"c1","content":"2"}],"tools":{{{Tools}}}}""");
        await AskAsync(gateway, "Sure?");

        Assert.Equal(["user:Run f", "assistant:", "tool:2", "assistant:Done", "user:Sure?"], Sent(provider, 2));
        Assert.Equal("f", provider.Requests[2].Json().GetProperty("messages")[1].GetProperty("tool_calls")[0].GetProperty("function").GetProperty("name").GetString());
    }

    [Fact]
    public async Task A_call_that_nobody_answered_does_not_go_in_front()
    {
        const string Calls = "\"content\":null,\"tool_calls\":[{\"id\":\"c1\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]";
        await using var provider = ScriptedProvider.OpenAi().Answers(
            Script.Json(OpenAiReplies.Completion("").Replace("\"content\":\"\"", Calls, StringComparison.Ordinal).Replace("\"stop\"", "\"tool_calls\"", StringComparison.Ordinal)),
            Script.Json(OpenAiReplies.Completion("Well")),
            Script.Json(OpenAiReplies.Completion("Yes")));
        await using var gateway = await new GatewayUnderTest().InProduction(provider).StartAsync();

        await PostAsync(gateway, """{"messages":[{"role":"user","content":"Run f"}],"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object"}}}]}""");
        await AskAsync(gateway, "Leave it");
        await AskAsync(gateway, "Sure?");

        Assert.Equal(["user:Run f", "user:Leave it"], Sent(provider, 1));
        Assert.Equal(["user:Run f", "user:Leave it", "assistant:Well", "user:Sure?"], Sent(provider, 2));
    }

    [Fact]
    public async Task One_id_of_two_clients_is_two_sessions()
    {
        await using var provider = ScriptedProvider.OpenAi().AlwaysAnswers(_ => Script.Json(OpenAiReplies.Completion("ok")));
        await using var gateway = await new GatewayUnderTest().InProduction(provider).WithVariable("GATEWAY_API_KEYS", "test:sk-client,other:sk-other").StartAsync();

        await AskAsync(gateway, "Secret");
        await PostAsync(gateway, """{"messages":[{"role":"user","content":"What was said?"}]}""", ("Authorization", "Bearer sk-other"));

        Assert.Equal(["user:What was said?"], Sent(provider, 1));
    }

    [Fact]
    public async Task A_session_keeps_twenty_messages()
    {
        await using var provider = ScriptedProvider.OpenAi().AlwaysAnswers(_ => Script.Json(OpenAiReplies.Completion("ok")));
        await using var gateway = await new GatewayUnderTest().InProduction(provider).StartAsync();

        for (var i = 1; i <= 12; i++)
        {
            await AskAsync(gateway, i.ToString(CultureInfo.InvariantCulture));
        }

        Assert.Equal(21, Sent(provider, 11).Count);
        Assert.Equal(("user:2", "user:12"), (Sent(provider, 11)[0], Sent(provider, 11)[^1]));
    }

    [Fact]
    public async Task The_messages_api_remembers_through_the_same_header()
    {
        await using var provider = ScriptedProvider.Anthropic().On(
            "POST /v1/messages", Script.Json(AnthropicReplies.Message("Hi Ann")), Script.Json(AnthropicReplies.Message("Ann")));
        await using var gateway = await new GatewayUnderTest().InProduction(provider)
            .WithSettings($"llm:\n  default_provider: claude\n  default_model: claude-test\nproviders:\n  claude:\n    type: anthropic\n    base_url: {provider.BaseUrl}\n    api_key: sk-x\n").WithAgents("""{"default":{"provider":"claude","model_name":"claude-test"}}""").StartAsync();

        foreach (var text in (string[])["I am Ann", "Who am I?"])
        {
            using var response = await gateway.SendAsync("/v1/messages", $$"""{"model":"m","max_tokens":10,"messages":[{"role":"user","content":"{{text}}"}]}""", Key, ("X-Session-Id", "s-1"));
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        }

        Assert.Equal(3, provider.Requests[1].Json().GetProperty("messages").GetArrayLength());
    }

    private static Task<ChatAnswer> AskAsync(GatewayUnderTest gateway, string question, string? system = null, bool isStreamed = false) => PostAsync(
        gateway,
        JsonSerializer.Serialize(new
        {
            stream = isStreamed,
            messages = ((string, string)[])[.. system is null ? [] : new[] { ("system", system) }, ("user", question)] is var all ? all.Select(one => new { role = one.Item1, content = one.Item2 }) : [],
        }));

    private static async Task<ChatAnswer> PostAsync(GatewayUnderTest gateway, string json, (string Name, string Value)? key = null)
    {
        using var response = await gateway.OpenStreamAsync(Chat, json, key ?? Key, ("X-Session-Id", "s-1"));
        var answer = await ChatAnswer.ReadAsync(response);
        Assert.Equal(200, answer.Status);
        return answer;
    }

    private static List<string> Sent(ScriptedProvider provider, int index) =>
    [
        .. provider.Requests[index].Json().GetProperty("messages").EnumerateArray()
            .Select(message => $"{message.GetProperty("role").GetString()}:{(message.GetProperty("content").ValueKind == JsonValueKind.String ? message.GetProperty("content").GetString() : "")}"),
    ];
}
