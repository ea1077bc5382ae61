using System.Globalization;
using System.Text;
using LlmGateway.FunctionalTests.Infrastructure;

namespace LlmGateway.FunctionalTests;

/// <summary>What a gateway writes to its log: one JSON object a line, one line a request, and nothing that was said or is secret.</summary>
public sealed class LogTests
{
    private const string Chat = "/v1/chat/completions";

    private static readonly (string, string) Authorized = ("Authorization", "Bearer sk-client");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_answered_request_is_one_line_that_tells_all(bool isStreaming)
    {
        await using var provider = ScriptedProvider.OpenAi().Answers(isStreaming ? OpenAiReplies.Stream("a", "b") : Script.Json(OpenAiReplies.Completion("hi")));
        await using var gateway = await new GatewayUnderTest().InProduction(provider).WithAgents("""{"agents":{"writer":{}}}""").StartAsync();

        using var response = await gateway.SendAsync(
            Chat, $$"""{"stream":{{(isStreaming ? "true" : "false")}},"messages":[{"role":"user","content":"hi"}]}""", Authorized, ("X-Request-Id", "the-request"), ("X-Agent-Profile", "writer"), ("X-User-Id", "jane"));
        await response.Content.ReadAsStringAsync(Cancellation);
        await gateway.StopAsync();

        var line = Assert.Single(RequestLines(gateway));
        Assert.Equal("information", line.Level);
        Assert.Equal(
            ("the-request", "test", "writer", "internal", "internal-model", "200", "9", "2", "1", "jane"),
            (line["request_id"], line["key"], line["agent"], line["provider"], line["model"], line["status"], line["input_tokens"], line["output_tokens"], line["attempts"], line["user"]));
        Assert.InRange(double.Parse(line["duration_ms"]!, CultureInfo.InvariantCulture), 0.001, 60_000);
        Assert.Equal(isStreaming, line["ttft_ms"] is not null);
        Assert.True(DateTimeOffset.TryParse(line["time"], CultureInfo.InvariantCulture, out _));
    }

    [Theory]
    [InlineData("false", false, false)]
    [InlineData("false", false, true)]
    [InlineData("true", true, false)]
    [InlineData("true", true, true)]
    public async Task What_was_said_is_in_the_log_only_where_the_operator_asks_for_it(string setting, bool isLogged, bool isStreaming)
    {
        await using var provider = ScriptedProvider.OpenAi().Answers(isStreaming ? OpenAiReplies.Stream("its own ", "answer") : Script.Json(OpenAiReplies.Completion("its own answer")));
        await using var gateway = await new GatewayUnderTest().InProduction(provider).WithVariable("LLM_LOG_CONTENT", setting).StartAsync();

        using var response = await gateway.SendAsync(Chat, ProductionStage.Body(isStreaming, "my own words"), Authorized);
        var answer = await response.Content.ReadAsStringAsync(Cancellation);
        var rows = await gateway.Ledger.WaitForRequestsAsync(1);
        await gateway.StopAsync();

        Assert.Single(provider.Requests);
        Assert.Equal(isLogged, gateway.Log.Text.Contains("my own words", StringComparison.Ordinal));
        Assert.Equal(isLogged ? [answer] : [], gateway.Log.Lines.Where(line => line.Message.Contains("is answered", StringComparison.Ordinal)).Select(line => line["content"]));
        Assert.Equal(isLogged, gateway.Log.Text.Contains("its own", StringComparison.Ordinal));
        Assert.DoesNotContain(rows.SelectMany(row => row.Values).OfType<string>(), value => value.Contains("own", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Of_a_long_answer_the_log_has_the_first_16_KiB_and_the_client_has_all(bool isStreaming)
    {
        var text = new string('x', 100_000);
        await using var provider = ScriptedProvider.OpenAi().Answers(isStreaming ? OpenAiReplies.Stream(text, text) : Script.Json(OpenAiReplies.Completion(text)));
        await using var gateway = await new GatewayUnderTest().InProduction(provider).WithVariable("LLM_LOG_CONTENT", "true").StartAsync();

        using var response = await gateway.SendAsync(Chat, ProductionStage.Body(isStreaming), Authorized);
        var answer = await response.Content.ReadAsStringAsync(Cancellation);
        await gateway.StopAsync();

        var logged = Assert.Single(gateway.Log.Lines, line => line.Message.Contains("is answered", StringComparison.Ordinal))["content"]!;
        Assert.Contains(text, answer, StringComparison.Ordinal);
        Assert.Equal(answer[..(16 * 1024)], logged);
    }

    [Fact]
    public async Task Every_request_is_one_line_however_it_ends()
    {
        await using var provider = ScriptedProvider.OpenAi().Answers(
            Script.Json(OpenAiReplies.Error("down"), 500), Script.Json(OpenAiReplies.Completion("hi")), Script.Json(OpenAiReplies.Error("no", "invalid_request_error"), 400));
        await using var gateway = await new GatewayUnderTest().InProduction(provider).WithAgents("{}").StartAsync();
        const string Body = """{"messages":[{"role":"user","content":"hi"}]}""";

        foreach (var body in (string[])[Body, Body, Body, "{}", "not json"])
        {
            using var response = await gateway.SendAsync(Chat, body, Authorized);
        }

        using var refused = await gateway.SendAsync(Chat, Body, ("Authorization", "Bearer wrong"));
        using var nowhere = await gateway.SendAsync("/nowhere", Body, Authorized);
        using var health = await gateway.Client.GetAsync(new Uri("/health/live", UriKind.Relative), Cancellation);
        await gateway.StopAsync();

        // Who is not known leaves no line: a stranger could fill a disk.
        Assert.Equal(["502", "200", "400", "400", "400"], RequestLines(gateway).Select(line => line["status"]));
    }

    [Fact]
    public async Task Hostile_header_values_stay_inside_their_line()
    {
        await using var provider = ScriptedProvider.OpenAi().AlwaysAnswers(_ => Script.Json(OpenAiReplies.Completion("hi")));
        await using var gateway = await new GatewayUnderTest().InProduction(provider).WithVariable("LLM_DEBUG", "true").StartAsync();
        string[] hostile =
        [
            "X-User-Id: \"}{\\\"level\\\":\\\"error\\\"}", "X-User-Id: <script>%0a%0d", "X-User-Id: a\u001b[2J", "X-Agent-Profile: \u001b[31m\u0007", "X-Agent-Profile: \"},{\"",
            "X-Request-Id: x\u001b\u0085", "X-Session-Id: \u0001", "User-Agent: \u001b]0;evil\u0007", "X-LLM-Strategy: \u009b31m", "X-Stainless-Timeout: \u001b",
        ];

        foreach (var line in hostile)
        {
            await RawClient.PostAsync(
                new Uri(gateway.BaseUrl), """{"model":"\u001b[31m\n\u2028evil","messages":[{"role":"user","content":"hi"}]}"""u8.ToArray(),
                "Content-Type: application/json", "Authorization: Bearer sk-client", line);
        }

        await gateway.StopAsync();

        // What Kestrel itself refuses on the wire never becomes a request.
        Assert.InRange(RequestLines(gateway).Count, 6, hostile.Length);
        Assert.DoesNotContain(gateway.Log.Text, letter => char.IsControl(letter) && letter != '\n');
        Assert.All(gateway.Log.Lines, line => Assert.NotEqual("error", line.Level));
    }

    [Theory]
    [InlineData("false")]
    [InlineData("true")]
    public async Task No_text_and_no_secret_is_logged(string debug)
    {
        var canaries = new Canaries();
        var (client, key, ticket, admin) = (canaries.New("sk-client"), canaries.New("sk-internal"), canaries.New("ticket"), canaries.New("admin"));
        var (prompt, reply, tool, refusal, header) = (canaries.New("prompt"), canaries.New("reply"), canaries.New("tool"), canaries.New("refusal"), canaries.New("header"));
        await using var provider = ScriptedProvider.OpenAi().Answers(
            Script.Json(OpenAiReplies.Completion(reply)),
            OpenAiReplies.Stream(reply, reply),
            Script.Json(OpenAiReplies.Error(refusal + key, "invalid_request_error"), 400),
            Script.Json(OpenAiReplies.Error(refusal + key), 500),
            Script.Whole(200, "application/json", Encoding.UTF8.GetBytes("{\"" + reply)),
            Script.Sse(OpenAiReplies.ContentChunk(reply)).Event("{\"" + reply).Fin());
        await using var gateway = await new GatewayUnderTest().InProduction(provider, client)
            .WithVariable("INTERNAL_LLM_API_KEY", key).WithVariable("INTERNAL_LLM_TICKET", ticket).WithVariable("ADMIN_API_KEY", admin).WithVariable("LLM_DEBUG", debug)
            .StartAsync();
        var body = $$$"""{"messages":[{"role":"user","content":"{{{prompt}}}"}],"tools":[{"type":"function","function":{"name":"f","description":"{{{tool}}}"}}],"user":"{{{prompt}}}"}""";
        var stream = body.Replace("{\"messages\"", "{\"stream\":true,\"messages\"", StringComparison.Ordinal);

        foreach (var sent in (string[])[body, stream, body, body, body, stream, body[..^5], body.Replace("user\",", "", StringComparison.Ordinal)])
        {
            var answer = await RawClient.PostAsync(
                new Uri(gateway.BaseUrl), Encoding.UTF8.GetBytes(sent), "Content-Type: application/json", "Authorization: Bearer " + client, "Cookie: " + header, "X-Custom: " + header);
            Assert.NotEqual(401, answer.Status);
        }

        await RawClient.PostAsync(new Uri(gateway.BaseUrl), Encoding.UTF8.GetBytes(body), "Content-Type: application/json", "Authorization: Bearer " + header);
        await gateway.StopAsync();

        Assert.Equal(6, provider.Requests.Count);
        Assert.Equal(8, RequestLines(gateway).Count);
        canaries.AssertNoCanary(gateway.Log.Text);
    }

    [Fact]
    public async Task A_request_costs_two_KiB_of_log_at_most()
    {
        await using var provider = ScriptedProvider.OpenAi().AlwaysAnswers(_ => Script.Json(OpenAiReplies.Completion("hi")));
        await using var gateway = await new GatewayUnderTest().InProduction(provider).WithVariable("LLM_DEBUG", "true").StartAsync();
        await gateway.Log.WaitForAsync(line => line.Message.StartsWith("Gateway started", StringComparison.Ordinal), "the start");
        var before = Encoding.UTF8.GetByteCount(gateway.Log.Text);
        const int Requests = 20;

        for (var i = 0; i < Requests; i++)
        {
            using var response = await gateway.SendAsync(
                Chat, $$"""{"model":"{{new string('m', 5000)}}","messages":[{"role":"user","content":"{{new string('x', 50_000)}}"}]}""",
                Authorized, ("X-User-Id", new string('"', 256)), ("X-Request-Id", new string('r', 128)), ("X-User-Type", new string('\\', 256)));
            Assert.True(response.IsSuccessStatusCode);
        }

        await gateway.StopAsync();

        Assert.Equal(Requests, RequestLines(gateway).Count);
        Assert.InRange((Encoding.UTF8.GetByteCount(gateway.Log.Text) - before) / Requests, 100, 2048);
        Assert.All(gateway.Log.Text.Split('\n'), line => Assert.InRange(Encoding.UTF8.GetByteCount(line), 0, 2048));
    }

    [Fact]
    public async Task The_process_writes_the_same_to_its_standard_output()
    {
        using var folder = new GatewayFolder();
        await using var provider = ScriptedProvider.OpenAi().AlwaysAnswers(_ => Script.Json(OpenAiReplies.Completion("hi")));
        await using var process = GatewayProcess.Start(
            folder, ["--urls", "http://127.0.0.1:0"], ("ENVIRONMENT", "production"), ("INTERNAL_LLM_BASE_URL", provider.BaseUrl), ("INTERNAL_LLM_MODEL", "m"), ("GATEWAY_API_KEYS", "test:sk-client"), ("LLM_DEBUG", "true"));
        var address = await process.WaitForStartAsync();

        for (var i = 0; i < 5; i++)
        {
            await RawClient.PostAsync(address, """{"messages":[{"role":"user","content":"hi"}]}"""u8.ToArray(), "Content-Type: application/json", "Authorization: Bearer sk-client");
        }

        Assert.Equal(0, await process.TerminateAsync());

        Assert.Equal(5, process.Output.Select(LogLine.Parse).Count(line => line.Message == "request"));
        Assert.Empty(process.Errors);
    }

    private static List<LogLine> RequestLines(GatewayUnderTest gateway) => [.. gateway.Log.Lines.Where(line => line.Message == "request")];
}
