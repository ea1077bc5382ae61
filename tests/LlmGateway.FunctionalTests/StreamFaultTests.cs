using System.Text;
using System.Text.Json;
using LlmGateway.FunctionalTests.Infrastructure;

namespace LlmGateway.FunctionalTests;

/// <summary>Streams that break: before the first token the next target answers, after it the client is told once and plainly.</summary>
public sealed class StreamFaultTests
{
    private const string ErrorChunk = """{"error":{"message":"The server had an error","type":"server_error","param":null,"code":null}}""";
    private const string ShortLimit = "\"timeout\": 0.3";

    /// <summary>What a provider can do instead of a first token, with the reason that is told.</summary>
    private static readonly Dictionary<string, (string Reason, Func<Script> Make)> BeforeToken = new()
    {
        ["nothing at all"] = ("connection", () => new Script().Fin()),
        ["a reset"] = ("connection", () => new Script().Reset()),
        ["half a head"] = ("connection", () => Script.Raw("HTTP/1.1 200 OK\r\ncontent-ty").Fin()),
        ["no HTTP"] = ("connection", () => Script.Raw("SSH-2.0-OpenSSH_9.6\r\n\r\n").Fin()),
        ["an empty body"] = ("invalid_response", () => Script.Sse()),
        ["an empty body of no length"] = ("invalid_response", () => Script.Whole(200, "text/event-stream", [])),
        ["only [DONE]"] = ("invalid_response", () => Script.Sse().Done()),
        ["comments alone"] = ("invalid_response", () => Script.Sse().Comment("ping").Comment("ping")),
        ["a web page"] = ("invalid_response", () => Script.Whole(200, "text/html", "<html>down</html>"u8.ToArray())),
        ["a web page as events"] = ("invalid_response", () => Script.Whole(200, "text/event-stream", "<html>down</html>"u8.ToArray())),
        ["an event that is no JSON"] = ("invalid_response", () => Script.Sse("oops")),
        ["an event of nested garbage"] = ("invalid_response", () => Script.Sse(new string('[', 5000))),
        ["an event with a NUL"] = ("invalid_response", () => Script.Sse("{\"choices\":[\0]}")),
        ["two objects in one event"] = ("invalid_response", () => Script.Sse(OpenAiReplies.ContentChunk("a") + OpenAiReplies.ContentChunk("b"))),
        ["an error event"] = ("server_error", () => Script.Sse(ErrorChunk)),
        ["a named error event"] = ("server_error", () => new Script().Head(200, "text/event-stream", BodyFraming.Chunked).Event("error", """{"message":"overloaded"}""")),
        ["an error of a limit"] = ("rate_limit", () => Script.Sse("""{"error":{"message":"slow down","code":429}}""")),
        ["an error finish"] = ("server_error", () => Script.Sse(OpenAiReplies.Chunk("{}", "\"error\""))),
        ["a JSON error"] = ("server_error", () => Script.Json(ErrorChunk)),
        ["JSON of another kind"] = ("invalid_response", () => Script.Json("""{"status":"ok"}""")),
        ["empty JSON"] = ("invalid_response", () => Script.Json("")),
        ["a role, then an orderly end"] = ("connection", () => Script.Sse(OpenAiReplies.RoleChunk())),
        ["a role, then a close"] = ("connection", () => Script.Sse(OpenAiReplies.RoleChunk()).Fin()),
        ["a role, then a reset"] = ("connection", () => Script.Sse(OpenAiReplies.RoleChunk()).PartOfChunk(500, "data: {").Reset()),
        ["a role, then an error event"] = ("server_error", () => Script.Sse(OpenAiReplies.RoleChunk(), ErrorChunk)),
        ["a broken chunk size"] = ("connection", () => Script.Raw("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n").Fin()),
        ["fewer bytes than announced"] = ("connection", () => new Script().Head(200, "text/event-stream", BodyFraming.Length, ("content-length", "500")).Event(OpenAiReplies.RoleChunk()).Fin()),
        ["a flood of interim answers"] = ("connection", () => new Script().Interim(103, 3000, "link: </style.css>; rel=preload; as=style\r\n").Head(200, "text/event-stream", BodyFraming.Chunked)),
        ["a head without end"] = ("connection", () => Script.Raw("HTTP/1.1 200 OK\r\nx-long: ").Send(new string('x', 100_000)).Send("\r\n\r\n")),
    };

    /// <summary>What a provider can do instead of a whole answer, with the reason that is told.</summary>
    private static readonly Dictionary<string, (string Reason, Func<Script> Make)> InsteadOfAnswer = new()
    {
        ["nothing at all"] = ("connection", () => new Script().Fin()),
        ["a reset"] = ("connection", () => new Script().Reset()),
        ["a web page"] = ("invalid_response", () => Script.Whole(200, "text/html", "<html>down</html>"u8.ToArray())),
        ["an empty body"] = ("invalid_response", () => Script.Json("")),
        ["an empty object"] = ("invalid_response", () => Script.Json("{}")),
        ["no choice"] = ("invalid_response", () => Script.Json("""{"choices":[]}""")),
        ["an array"] = ("invalid_response", () => Script.Json("[1,2]")),
        ["JSON without its last byte"] = ("invalid_response", () => Script.Json(OpenAiReplies.Completion("x")[..^1])),
        ["JSON with more behind it"] = ("invalid_response", () => Script.Json(OpenAiReplies.Completion("x") + "{}")),
        ["nested garbage"] = ("invalid_response", () => Script.Json(new string('[', 5000))),
        ["a byte that is no character"] = ("invalid_response", () => Script.Whole(200, "application/json", [.. "{\"choices\":[{\"message\":{\"content\":\""u8, 0xFF, .. "\"}}]}"u8])),
        ["an error"] = ("server_error", () => Script.Json(ErrorChunk)),
        ["an error of a limit"] = ("rate_limit", () => Script.Json("""{"error":{"message":"slow down","code":429}}""")),
        ["fewer bytes than announced"] = ("connection", () => new Script().Head(200, "application/json", BodyFraming.Length, ("content-length", "5000")).Text("{\"id\"").Fin()),
        ["a close inside a chunk"] = ("connection", () => new Script().Head(200, "application/json", BodyFraming.Chunked).PartOfChunk(100, "{\"id\"").Fin()),
        ["a reset inside a chunk"] = ("connection", () => new Script().Head(200, "application/json", BodyFraming.Chunked).PartOfChunk(100, "{\"id\"").Reset()),
        ["no HTTP"] = ("connection", () => Script.Raw("SSH-2.0-OpenSSH_9.6\r\n\r\n").Fin()),
        ["a flood of interim answers"] = ("connection", () => new Script().Interim(103, 3000, "link: </style.css>; rel=preload; as=style\r\n").Head(200, "application/json", BodyFraming.Chunked)),
    };

    /// <summary>What a provider can do in the middle, once <c>Hel</c> and <c>lo</c> are out, with the reason that is told.</summary>
    private static readonly Dictionary<string, (string Reason, Func<Script, Script> Break)> AfterToken = new()
    {
        ["an orderly end"] = ("connection", script => script),
        ["a close"] = ("connection", script => script.Fin()),
        ["a close inside a chunk"] = ("connection", script => script.PartOfChunk(500, "data: {\"id\"").Fin()),
        ["a reset"] = ("connection", script => script.Reset()),
        ["a reset inside an event"] = ("connection", script => script.Text("data: {\"id\":\"cut").Reset()),
        ["a close inside a character"] = ("connection", script => script.Bytes([.. "data: {\"id\":\""u8, 0xF0, 0x9F, 0x98]).Fin()),
        ["an end inside an event"] = ("invalid_response", script => script.Text("data: {\"id\":\"cut")),
        ["an error event"] = ("server_error", script => script.Event(ErrorChunk)),
        ["a named error event"] = ("server_error", script => script.Event("error", """{"message":"overloaded"}""")),
        ["an error finish"] = ("server_error", script => script.Event(OpenAiReplies.Chunk("{}", "\"error\""))),
        ["garbage"] = ("invalid_response", script => script.Event("oops")),
        ["a broken chunk size"] = ("connection", script => script.Send("zz\r\n").Fin()),
    };

    public static TheoryData<string> FaultsBeforeToken => [.. BeforeToken.Keys];

    public static TheoryData<string> FaultsOfAnswers => [.. InsteadOfAnswer.Keys];

    public static TheoryData<string> FaultsAfterToken => [.. AfterToken.Keys];

    public static TheoryData<string> SilencesBeforeToken => ["after the head", "after the role", "with comments"];

    [Theory]
    [MemberData(nameof(FaultsBeforeToken))]
    public async Task Stream_falls_back_when_instead_of_a_token_comes(string fault)
    {
        var (reason, make) = BeforeToken[fault];
        await using var stage = await ProductionStage.StartAsync();
        stage.First.Answers(make());
        stage.Second.Answers(OpenAiReplies.Stream("Well ", "met"));

        var answer = await stage.AskAsync(isStreaming: true);

        answer.AssertAnswered("Well met");
        Assert.Equal((reason, "2", "backup"), (answer.Header("x-llm-fallback-reason"), answer.Header("x-llm-attempts"), answer.Header("x-llm-provider")));
        Assert.Single(answer.Events, chunk => chunk.Data.Contains("\"role\"", StringComparison.Ordinal));
        Assert.Single(stage.First.Requests);
        if (reason != "rate_limit")
        {
            // After a rate limit the target cools down, and the marker would go to the other one.
            await stage.AssertNothingLeaksAsync(isStreaming: true);
        }
    }

    [Theory]
    [MemberData(nameof(SilencesBeforeToken))]
    public async Task Stream_falls_back_when_the_first_token_does_not_come_in_time(string silence)
    {
        await using var stage = await ProductionStage.StartAsync(ProductionStage.Agents(defaults: ShortLimit));
        var script = Script.Sse();
        stage.First.Answers(silence switch
        {
            "after the head" => script.Stall(),
            "after the role" => script.Event(OpenAiReplies.RoleChunk()).Stall(),
            _ => Heartbeats(script),
        });
        stage.Second.Answers(OpenAiReplies.Stream("Well ", "met"));

        var answer = await stage.AskAsync(isStreaming: true);

        answer.AssertAnswered("Well met");
        Assert.Equal("timeout", answer.Header("x-llm-fallback-reason"));
        Assert.Single(answer.Events, chunk => chunk.Data.Contains("\"role\"", StringComparison.Ordinal));
        await stage.First.Requests[0].WaitForPeerCloseAsync();
        await stage.AssertNothingLeaksAsync(isStreaming: true);
    }

    [Theory]
    [MemberData(nameof(FaultsAfterToken))]
    public async Task Stream_that_breaks_after_its_first_token_ends_with_one_error_event(string fault)
    {
        var (reason, breakOff) = AfterToken[fault];
        await using var stage = await ProductionStage.StartAsync();
        var gate = new Gate();
        stage.First.Answers(breakOff(Script.Sse(OpenAiReplies.RoleChunk(), OpenAiReplies.ContentChunk("Hel"), OpenAiReplies.ContentChunk("lo")).WaitFor(gate)));

        using var response = await stage.OpenAsync(ProductionStage.Body(isStreaming: true));
        await gate.Reached;
        gate.Release();
        var answer = await ChatAnswer.ReadAsync(response);

        answer.AssertBroken("Hello");
        Assert.Equal(4, answer.Events.Count);
        Assert.Contains($"({reason})", answer.ErrorMessage, StringComparison.Ordinal);
        Assert.Equal(("api_error", "1", null), (answer.Error.GetProperty("type").GetString(), answer.Header("x-llm-attempts"), answer.Header("x-llm-fallback-reason")));
        Assert.Empty(stage.Second.Requests);
        var record = Assert.Single(await stage.Ledger.WaitForRequestsAsync(1));
        var attempt = Assert.Single(stage.Ledger.Attempts(record));
        Assert.Equal((reason, "estimated", 2L), (attempt["outcome"], attempt["source"], attempt["output_tokens"]));
        await stage.AssertNothingLeaksAsync(isStreaming: true);
    }

    [Fact]
    public async Task Body_that_lasts_until_the_close_is_broken_without_a_finish_reason()
    {
        await using var stage = await ProductionStage.StartAsync();
        stage.First.Answers(new Script().Head(200, "text/event-stream", BodyFraming.Close).Event(OpenAiReplies.RoleChunk()).Event(OpenAiReplies.ContentChunk("Hello")));

        var answer = await stage.AskAsync(isStreaming: true);

        answer.AssertBroken("Hello");
        Assert.Empty(stage.Second.Requests);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Stream_that_falls_silent_between_tokens_ends_with_one_error_event(bool hasHeartbeats)
    {
        await using var stage = await ProductionStage.StartAsync(ProductionStage.Agents(defaults: ShortLimit));
        var script = Script.Sse(OpenAiReplies.RoleChunk(), OpenAiReplies.ContentChunk("Hello"));
        stage.First.Answers(hasHeartbeats ? Heartbeats(script) : script.Stall());

        var answer = await stage.AskAsync(isStreaming: true);

        answer.AssertBroken("Hello");
        Assert.Contains("(timeout)", answer.ErrorMessage, StringComparison.Ordinal);
        await stage.First.Requests[0].WaitForPeerCloseAsync();
        Assert.Empty(stage.Second.Requests);
        await stage.AssertNothingLeaksAsync(isStreaming: true);
    }

    [Fact]
    public async Task Tool_call_that_is_cut_is_never_started_again()
    {
        const string Start = """{"tool_calls":[{"index":0,"id":"call_1","type":"function","function":{"name":"transfer","arguments":""}}]}""";
        const string Part = """{"tool_calls":[{"index":0,"function":{"arguments":"{\"amount\":1"}}]}""";
        await using var stage = await ProductionStage.StartAsync();
        var gate = new Gate();
        stage.First.Answers(Script.Sse(OpenAiReplies.RoleChunk(), OpenAiReplies.Chunk(Start), OpenAiReplies.Chunk(Part)).WaitFor(gate).Reset());

        using var response = await stage.OpenAsync(ProductionStage.Body(isStreaming: true));
        gate.Release();
        var answer = await ChatAnswer.ReadAsync(response);

        answer.AssertBroken("");
        Assert.Equal("""{"amount":1""", string.Concat(answer.Chunks.Select(Arguments)));
        Assert.Single(answer.Events, one => one.Data.Contains("call_1", StringComparison.Ordinal));
        Assert.Empty(stage.Second.Requests);
    }

    [Fact]
    public async Task Tool_call_counts_as_a_first_token()
    {
        await using var stage = await ProductionStage.StartAsync();
        stage.First.Answers(Script.Sse(
            OpenAiReplies.RoleChunk(), OpenAiReplies.Chunk("""{"tool_calls":[{"index":0,"id":"call_1","type":"function","function":{"name":"f","arguments":""}}]}"""), ErrorChunk));

        var answer = await stage.AskAsync(isStreaming: true);

        answer.AssertBroken("");
        Assert.Empty(stage.Second.Requests);
    }

    [Fact]
    public async Task Cut_after_the_finish_reason_is_no_failure()
    {
        await using var stage = await ProductionStage.StartAsync();
        stage.First.Answers(
            Script.Sse(OpenAiReplies.RoleChunk(), OpenAiReplies.ContentChunk("Hello"), OpenAiReplies.FinishChunk()),
            Script.Sse(OpenAiReplies.RoleChunk(), OpenAiReplies.ContentChunk("Hello"), OpenAiReplies.FinishChunk()).Fin());

        (await stage.AskAsync(isStreaming: true)).AssertAnswered("Hello");
        (await stage.AskAsync(isStreaming: true)).AssertAnswered("Hello");
    }

    [Fact]
    public async Task Cut_while_one_of_two_choices_is_open_is_a_failure()
    {
        static string Choice(int index, string delta, string finish) =>
            OpenAiReplies.Chunk(delta, finish).Replace("\"index\":0,\"delta\"", $"\"index\":{index},\"delta\"", StringComparison.Ordinal);

        await using var stage = await ProductionStage.StartAsync();
        stage.First.Answers(Script.Sse(Choice(0, """{"content":"a"}""", "null"), Choice(1, """{"content":"b"}""", "null"), Choice(0, "{}", "\"stop\"")));

        var answer = await stage.AskAsync(ProductionStage.Body(isStreaming: true, more: ",\"n\":2"));

        Assert.Equal("upstream_stream_error", answer.ErrorCode);
        Assert.False(answer.IsDone);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Line_without_end_is_given_up(bool hasToken)
    {
        const long Endless = 256L * 1024 * 1024;
        await using var stage = await ProductionStage.StartAsync();
        var script = Script.Sse(OpenAiReplies.RoleChunk());
        stage.First.Answers((hasToken ? script.Event(OpenAiReplies.ContentChunk("Hello")) : script).Text("data: ").Fill(Endless));
        stage.Second.Answers(OpenAiReplies.Stream("Well met"));

        var answer = await stage.AskAsync(isStreaming: true);

        if (hasToken)
        {
            answer.AssertBroken("Hello");
        }
        else
        {
            answer.AssertAnswered("Well met");
            Assert.Equal("invalid_response", answer.Header("x-llm-fallback-reason"));
        }

        await stage.First.Requests[0].WaitForPeerCloseAsync();
        Assert.InRange(stage.First.Requests[0].Tally.BytesSent, 1, Endless / 2);
    }

    [Fact]
    public async Task Stream_without_end_is_given_up()
    {
        const long Most = 256L * 1024 * 1024;
        var piece = "data: " + OpenAiReplies.ContentChunk(new string('x', 64 * 1024)) + "\n\n";
        await using var stage = await ProductionStage.StartAsync();
        stage.First.Answers(Script.Sse(OpenAiReplies.RoleChunk()).Fill(4 * Most / piece.Length * piece.Length, piece));

        using var response = await stage.OpenAsync(ProductionStage.Body(isStreaming: true));
        var (read, tail) = await ReadTailAsync(response);

        Assert.Contains("\n\ndata: {\"error\":{", tail, StringComparison.Ordinal);
        Assert.Contains("sent more than 256 MiB", tail, StringComparison.Ordinal);
        Assert.DoesNotContain("[DONE]", tail, StringComparison.Ordinal);
        Assert.InRange(read, Most - (1024 * 1024), Most + (1024 * 1024));
        await stage.First.Requests[0].WaitForPeerCloseAsync();
        Assert.InRange(stage.First.Requests[0].Tally.BytesSent, Most, 2 * Most);
        Assert.Empty(stage.Second.Requests);
        var record = Assert.Single(await stage.Ledger.WaitForRequestsAsync(1));
        Assert.Equal(("invalid_response", "estimated"), (stage.Ledger.Attempts(record)[0]["outcome"], stage.Ledger.Attempts(record)[0]["source"]));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Limit_that_is_told_in_a_whole_answer_of_status_200_is_a_limit(bool isStreaming)
    {
        await using var stage = await ProductionStage.StartAsync();
        stage.First.Answers(Script.Json("""{"error":{"message":"slow down","code":429}}"""));
        stage.Second.Answers(ProductionStage.Answer(isStreaming), ProductionStage.Answer(isStreaming));

        var answer = await stage.AskAsync(isStreaming);
        var next = await stage.AskAsync(isStreaming);

        answer.AssertAnswered("Well met");
        Assert.Equal(("rate_limit", "2", "backup"), (answer.Header("x-llm-fallback-reason"), answer.Header("x-llm-attempts"), answer.Header("x-llm-provider")));
        next.AssertAnswered("Well met");
        Assert.Single(stage.First.Requests);
    }

    /// <summary>Each on a connection of its own: a call that finds an idle connection closed is sent again, and that is no fault.</summary>
    [Theory]
    [MemberData(nameof(FaultsOfAnswers))]
    public async Task Call_falls_back_when_instead_of_an_answer_comes(string fault)
    {
        var (reason, make) = InsteadOfAnswer[fault];
        await using var stage = await ProductionStage.StartAsync();
        stage.First.Answers(make());
        stage.Second.Answers(ProductionStage.Answer(isStreaming: false));

        var answer = await stage.AskAsync(isStreaming: false);

        answer.AssertAnswered("Well met");
        Assert.Equal((reason, "2", "backup"), (answer.Header("x-llm-fallback-reason"), answer.Header("x-llm-attempts"), answer.Header("x-llm-provider")));
        Assert.Single(stage.First.Requests);
        Assert.Single(stage.Second.Requests);
        if (reason != "rate_limit")
        {
            // After a rate limit the target cools down, and the marker would go to the other one.
            await stage.AssertNothingLeaksAsync(isStreaming: false);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Bytes_behind_an_answer_never_reach_the_next_one(bool isStreaming)
    {
        var whole = Encoding.UTF8.GetBytes(OpenAiReplies.Completion("first"));
        await using var stage = await ProductionStage.StartAsync();
        stage.First.Answers(isStreaming
            ? OpenAiReplies.Stream("first").Send("0\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nsmugglHTTP/1.1 200 OK\r\n")
            : new Script().Head(200, "application/json", BodyFraming.Length, ("content-length", whole.Length.ToString(System.Globalization.CultureInfo.InvariantCulture)))
                .Bytes(whole).Send("HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nsmuggl"));
        stage.Second.AlwaysAnswers(_ => ProductionStage.Answer(isStreaming, "marker"));
        stage.First.AlwaysAnswers(_ => ProductionStage.Answer(isStreaming, "marker"));

        (await stage.AskAsync(isStreaming)).AssertAnswered("first");
        (await stage.AskAsync(isStreaming)).AssertAnswered("marker");
        (await stage.AskAsync(isStreaming)).AssertAnswered("marker");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Answer_that_comes_before_the_body_was_read_is_passed_on(bool isStreaming)
    {
        await using var stage = await ProductionStage.StartAloneAsync();
        stage.First.Answers(Script.Json(OpenAiReplies.Error("too large for me", "invalid_request_error"), 413).BeforeBody());

        var answer = await stage.AskAsync(ProductionStage.Body(isStreaming, new string('x', 8_000_000)));

        answer.AssertError(413, "invalid_request");
        Assert.Equal("too large for me", answer.ErrorMessage);
        Assert.Null(stage.First.Requests[0].Body);
        await stage.AssertNothingLeaksAsync(isStreaming);
    }

    // Many servers do so with a body that is too large for them: no failure of theirs, and no other client's business.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Answer_that_comes_before_the_body_was_read_counts_even_if_the_connection_breaks(bool isReused)
    {
        await using var stage = await ProductionStage.StartAloneAsync();
        for (var i = 0; i < 8; i++)
        {
            if (isReused)
            {
                stage.First.Answers(ProductionStage.Answer(isStreaming: false));
                (await stage.AskAsync(isStreaming: false)).AssertAnswered("Well met");
            }

            stage.First.Answers(Script.Json(OpenAiReplies.Error("too large for me", "invalid_request_error"), 413).BeforeBody().Reset());

            var answer = await stage.AskAsync(ProductionStage.Body(isStreaming: false, new string('x', 16_000_000)));

            answer.AssertError(413, "invalid_request");
            Assert.Equal("too large for me", answer.ErrorMessage);
        }

        Assert.Equal(8, stage.First.ConnectionCount);
        Assert.Equal(0, (await stage.Gateway.MetricsAsync()).Value("llm_gateway_circuit_state", ("provider", "internal"), ("model", "internal-model")));
    }

    /// <summary>Comments until the gateway has had enough; the peer's close is what ends it.</summary>
    private static Script Heartbeats(Script script) => script.Add(async run =>
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        var comment = ": ping\n\n"u8.ToArray();
        while (!run.Request.HasPeerClosed)
        {
            await run.WriteBodyAsync(comment);
            await timer.WaitForNextTickAsync(run.Stopping);
        }

        run.Reset();
    });

    /// <summary>How many bytes came, and the last of them.</summary>
    private static async Task<(long Read, string Tail)> ReadTailAsync(HttpResponseMessage response)
    {
        using var limit = new CancellationTokenSource(Eventually.DefaultLimit * 3);
        await using var stream = await response.Content.ReadAsStreamAsync(limit.Token);
        var (buffer, tail, total) = (new byte[256 * 1024], "", 0L);
        while (await stream.ReadAsync(buffer, limit.Token) is > 0 and var read)
        {
            total += read;
            tail = tail[Math.Max(0, tail.Length - 2000)..] + Encoding.UTF8.GetString(buffer, Math.Max(0, read - 2000), Math.Min(read, 2000));
        }

        return (total, tail);
    }

    private static string Arguments(JsonElement chunk) =>
        chunk.GetProperty("choices")[0].GetProperty("delta").TryGetProperty("tool_calls", out var calls) ? calls[0].GetProperty("function").GetProperty("arguments").GetString()! : "";
}
