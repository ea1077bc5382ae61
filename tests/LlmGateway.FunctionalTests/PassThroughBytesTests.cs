using System.Net;
using System.Text;
using LlmGateway.FunctionalTests.Infrastructure;

namespace LlmGateway.FunctionalTests;

/// <summary>What the gateway has no business with goes through byte for byte: to an OpenAI-compatible provider and back.</summary>
public sealed class PassThroughBytesTests
{
    private const string Chat = "/v1/chat/completions";

    /// <summary>Everything that a parser and a writer would spell differently.</summary>
    private const string Odd =
        "\"x_int\":123456789012345678901234567890,\"x_one\":1.0,\"x_exp\":1e2,\"x_Exp\":1.5E+3,\"x_dec\":0.10,\"x_neg\":-0,\"x_negdec\":-0.0,\"temperature\":1.00,\"top_p\":1e0,\n"
        + "\t\"x_text\" :\r\n \"nul \\u0000 esc \\u001b \\u001F \\/ \\b\\f tab\\t quote\\\" line \\u2028 raw \u2028\u2029 emoji 😀 \\ud83d\\ude00 \\uD83D\\uDE00 é \\u00e9 <&'+>\", \"\": {} ,"
        + "\"x_nested\":{\"a\":[1.50, {\"b\" : null , \"c\":[ ]}],\"\\u0061b\":true},\"user\":\"\\u006a\",\"x_null\":null,\"seed\":-9007199254740993";

    private static readonly (string, string) Authorized = ("Authorization", "Bearer sk-client");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_request_that_needs_nothing_arrives_as_it_was_sent()
    {
        var body = " {" + Odd + ",\"model\" : \"internal-model\" ,\"messages\":[ {\"content\":\"a\\u0000\u2028😀\",\"role\":\"user\"} ] } \n";

        Assert.Equal(body, await SendThroughAsync(body));
    }

    [Fact]
    public async Task Of_another_model_only_its_name_changes()
    {
        var body = "{" + Odd + ",\"model\" : \"g\\u0070t\" ,\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}";

        Assert.Equal(body.Replace("\"g\\u0070t\"", "\"internal-model\"", StringComparison.Ordinal), await SendThroughAsync(body));
    }

    [Fact]
    public async Task Whatever_is_filled_in_leaves_the_rest_alone()
    {
        const string Message = "{\"content\":\"a\\u0000\u2028😀\" , \"role\":\"user\"}";
        var body = "{" + Odd + ",\"messages\":[ " + Message + " ]}";

        var sent = await SendThroughAsync(body, """{"default":{"provider":"internal","max_tokens":7,"system_prompt":"Be kind"}}""");

        Assert.Contains("\"max_tokens\":7", sent, StringComparison.Ordinal);
        Assert.EndsWith(Odd + ",\"messages\":[{\"role\":\"system\",\"content\":\"Be kind\"}, " + Message + " ]}", sent, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_streamed_request_gains_its_usage_option_and_nothing_else()
    {
        var body = "{\"stream\": true ," + Odd + ",\"model\":\"internal-model\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}";

        var sent = await SendThroughAsync(body, script: OpenAiReplies.Stream("hi"));

        Assert.Equal(body, sent.Replace("\"stream_options\":{\"include_usage\":true},", "", StringComparison.Ordinal));
        Assert.NotEqual(body, sent);
    }

    [Fact]
    public async Task A_reply_comes_back_as_it_was_sent()
    {
        var reply = Encoding.UTF8.GetBytes(OpenAiReplies.Completion("hi").Replace("\"object\"", Odd.Replace("\"seed\"", "\"x_seed\"", StringComparison.Ordinal) + " , \"object\"", StringComparison.Ordinal) + " \n");
        await using var provider = ScriptedProvider.OpenAi().Answers(Script.Whole(200, "application/json; charset=utf-8", reply));
        await using var gateway = await new GatewayUnderTest().InProduction(provider).StartAsync();

        using var response = await gateway.SendAsync(Chat, """{"messages":[{"role":"user","content":"hi"}]}""", Authorized);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(reply, await response.Content.ReadAsByteArrayAsync(Cancellation));
    }

    [Fact]
    public async Task A_stream_comes_back_as_it_was_sent()
    {
        string[] events =
        [
            OpenAiReplies.RoleChunk(), OpenAiReplies.ContentChunk("hi").Replace("\"object\"", Odd.Replace("\n", " ", StringComparison.Ordinal).Replace("\r", " ", StringComparison.Ordinal) + ",\"object\"", StringComparison.Ordinal),
            OpenAiReplies.FinishChunk(), OpenAiReplies.UsageChunk(),
        ];
        await using var provider = ScriptedProvider.OpenAi().Answers(Script.Sse(events).Done());
        await using var gateway = await new GatewayUnderTest().InProduction(provider).StartAsync();

        using var response = await gateway.SendAsync(
            Chat, """{"stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"hi"}]}""", Authorized);

        Assert.Equal(
            string.Concat(events.Append("[DONE]").Select(data => $"data: {data}\n\n")),
            await response.Content.ReadAsStringAsync(Cancellation));
    }

    private static async Task<string> SendThroughAsync(string body, string agents = "{}", Script? script = null)
    {
        await using var provider = ScriptedProvider.OpenAi().Answers(script ?? Script.Json(OpenAiReplies.Completion("hi")));
        await using var gateway = await new GatewayUnderTest().InProduction(provider).WithAgents(agents).StartAsync();

        using var response = await gateway.SendAsync(Chat, body, Authorized);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return Encoding.UTF8.GetString(provider.Requests.Single().Body!);
    }
}
