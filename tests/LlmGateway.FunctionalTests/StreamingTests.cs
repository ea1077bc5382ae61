using System.Net.ServerSentEvents;
using System.Text;
using System.Text.Json;
using LlmGateway.FunctionalTests.Infrastructure;

namespace LlmGateway.FunctionalTests;

/// <summary>Healthy streams: each event as it comes, byte for byte, with usage only for those who asked.</summary>
public sealed class StreamingTests
{
    private const string AsksUsage = ",\"stream_options\":{\"include_usage\":true}";

    /// <summary>A stream with odd white space, escapes, other scripts and members that nobody knows.</summary>
    private static readonly string[] Odd =
    [
        """{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1790000000,"model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":"","refusal":null},"logprobs":null,"finish_reason":null}],"x_new":{"a":[1.0,2e3]}}""",
        """{ "id" : "chatcmpl-1" , "object":"chat.completion.chunk","created":1790000000,"model":"m","choices":[{"index":0,"delta":{"content":"\u4f60好, 😀 \"quoted\" \\ "},"logprobs":null,"finish_reason":null}]}""",
        """{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1790000000,"model":"m","choices":[{"index":0,"delta":{"content":"usage\": {} }{[ Ünïcödé"},"logprobs":null,"finish_reason":null}]}""",
        """{"id":"chatcmpl-1","object":"chat.completion.chunk","created":1790000000,"model":"m","choices":[{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}]}""",
    ];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Each_event_reaches_the_client_before_the_provider_sends_the_next()
    {
        await using var stage = await ProductionStage.StartAloneAsync();
        var gates = Enumerable.Range(0, 5).Select(_ => new Gate()).ToList();
        var script = Script.Sse(OpenAiReplies.RoleChunk());
        for (var i = 0; i < gates.Count; i++)
        {
            script.Event(OpenAiReplies.ContentChunk($"word{i} ")).WaitFor(gates[i]);
        }

        stage.First.Answers(script.Event(OpenAiReplies.FinishChunk()).Done());

        using var response = await stage.OpenAsync(ProductionStage.Body(isStreaming: true));
        await using var reader = await SseReader.OpenAsync(response, Cancellation);
        Assert.Contains("\"role\"", (await reader.NextAsync())!.Data, StringComparison.Ordinal);
        for (var i = 0; i < gates.Count; i++)
        {
            Assert.Contains($"word{i} ", (await reader.NextAsync())!.Data, StringComparison.Ordinal);
            await gates[i].Reached;
            gates[i].Release();
        }

        var rest = await reader.ReadToEndAsync();
        Assert.True(rest[^1].IsDone);
    }

    [Fact]
    public async Task The_client_sees_no_header_before_the_first_token()
    {
        await using var stage = await ProductionStage.StartAloneAsync();
        var gate = new Gate();
        stage.First.Answers(Script.Sse(OpenAiReplies.RoleChunk()).Comment("ping").WaitFor(gate).Event(OpenAiReplies.ContentChunk("Hello")).Event(OpenAiReplies.FinishChunk()).Done());

        var opening = stage.OpenAsync(ProductionStage.Body(isStreaming: true));
        await gate.Reached;
        Assert.False(opening.IsCompleted);
        gate.Release();

        using var response = await opening;
        (await ChatAnswer.ReadAsync(response)).AssertAnswered("Hello");
    }

    [Fact]
    public async Task Stream_carries_the_gateways_headers_and_none_of_the_providers()
    {
        await using var stage = await ProductionStage.StartAloneAsync();
        (string, string)[] stray =
        [
            ("set-cookie", "session=1"), ("server", "provider/9"), ("x-powered-by", "provider"), ("openai-organization", "org-secret"), ("strict-transport-security", "max-age=1"),
            ("access-control-allow-origin", "*"), ("x-request-id", "theirs"), ("cache-control", "public"), ("via", "1.1 theirs"), ("alt-svc", "h3=\":443\""), ("x-ratelimit-limit-requests", "1"),
        ];
        var stream = new Script().Head(200, "text/event-stream; charset=utf-8", BodyFraming.Chunked, stray)
            .Event(OpenAiReplies.ContentChunk("Hello")).Event(OpenAiReplies.FinishChunk()).Done();
        stage.First.Answers(stream, Script.Json(OpenAiReplies.Completion("Hello"), 200, stray));

        var streamed = await stage.AskAsync(isStreaming: true);
        var whole = await stage.AskAsync(isStreaming: false);

        foreach (var answer in (ChatAnswer[])[streamed, whole])
        {
            answer.AssertAnswered("Hello");
            Assert.Equal(("no-store", "nosniff", "bypass", "default"), (answer.Header("Cache-Control"), answer.Header("X-Content-Type-Options"), answer.Header("x-llm-cache"), answer.Header("x-llm-agent")));
            Assert.Matches("^gateway;dur=[0-9.]+, provider;dur=[0-9.]+$", answer.Header("Server-Timing"));
            Assert.NotEqual("theirs", answer.Header("X-Request-Id"));
            foreach (var name in stray.Select(header => header.Item1).Except(["x-request-id", "cache-control"]))
            {
                Assert.Null(answer.Header(name));
            }
        }

        Assert.Equal(("no", null), (streamed.Header("X-Accel-Buffering"), whole.Header("X-Accel-Buffering")));
    }

    [Theory]
    [InlineData("", "{\"include_usage\":true}")]
    [InlineData(",\"stream_options\":null", "{\"include_usage\":true}")]
    [InlineData(",\"stream_options\":{}", "{\"include_usage\":true}")]
    [InlineData(",\"stream_options\":{\"include_usage\":false}", "{\"include_usage\":true}")]
    [InlineData(",\"stream_options\":{ \"include_obfuscation\": false }", "{\"include_usage\":true, \"include_obfuscation\": false }")]
    public async Task Usage_is_asked_for_and_hidden_from_clients_that_did_not_ask(string options, string sent)
    {
        await using var stage = await ProductionStage.StartAloneAsync();
        stage.First.Answers(WithUsage(Odd));

        var answer = await stage.AskAsync(ProductionStage.Body(isStreaming: true, more: options));

        Assert.Equal(string.Concat(Odd.Select(Event)) + "data: [DONE]\n\n", answer.Body);
        Assert.Equal(sent, stage.First.Requests[0].Json().GetProperty("stream_options").GetRawText());
        var record = Assert.Single(await stage.Ledger.WaitForRequestsAsync(1));
        Assert.Equal((31L, 7L, 0L), (record["input_tokens"], record["output_tokens"], record["estimated"]));
    }

    [Fact]
    public async Task Usage_stays_byte_for_byte_for_clients_that_asked()
    {
        await using var stage = await ProductionStage.StartAloneAsync();
        string[] events = [.. Odd.Select(chunk => chunk[..^1] + ",\"usage\":null}"), OpenAiReplies.UsageChunk(31, 7)];
        stage.First.Answers(Script.Sse(events).Done());

        var answer = await stage.AskAsync(ProductionStage.Body(isStreaming: true, more: AsksUsage));

        Assert.Equal(string.Concat(events.Select(Event)) + "data: [DONE]\n\n", answer.Body);
    }

    [Fact]
    public async Task Usage_is_spliced_out_wherever_it_stands()
    {
        await using var stage = await ProductionStage.StartAloneAsync();
        const string Frame = "\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"},\"finish_reason\":";
        const string Usage = "\"usage\":{\"prompt_tokens\":31,\"completion_tokens\":7,\"total_tokens\":38}";
        string[] events = ["{" + Usage + "," + Frame + "null}]}", "{" + Frame + "null}]," + Usage + ",\"x\":1}", "{" + Frame + "\"stop\"}] , " + Usage + " }"];
        stage.First.Answers(Script.Sse(events).Done());

        var answer = await stage.AskAsync(isStreaming: true);

        string[] expected = ["{" + Frame + "null}]}", "{" + Frame + "null}],\"x\":1}", "{" + Frame + "\"stop\"}]  }"];
        Assert.Equal(
            expected.Select(json => json.Replace(" ", "", StringComparison.Ordinal)),
            answer.Events.SkipLast(1).Select(chunk => chunk.Data.Replace(" ", "", StringComparison.Ordinal)));
        answer.AssertAnswered("aaa");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Missing_usage_is_estimated(bool asks)
    {
        await using var stage = await ProductionStage.StartAloneAsync();
        stage.First.Answers(Script.Sse(OpenAiReplies.RoleChunk(), OpenAiReplies.ContentChunk("Well "), OpenAiReplies.ContentChunk("met"), OpenAiReplies.FinishChunk()).Done());

        var answer = await stage.AskAsync(ProductionStage.Body(isStreaming: true, more: asks ? AsksUsage : ""));

        answer.AssertAnswered("Well met");
        var told = answer.Chunks.Where(chunk => chunk.TryGetProperty("usage", out var usage) && usage.ValueKind == JsonValueKind.Object).ToList();
        Assert.Equal(asks ? 1 : 0, told.Count);
        var record = Assert.Single(await stage.Ledger.WaitForRequestsAsync(1));
        Assert.Equal((2L, 1L), (record["output_tokens"], record["estimated"]));
        if (asks)
        {
            Assert.Equal(2, told[0].GetProperty("usage").GetProperty("completion_tokens").GetInt32());
            Assert.Equal((long)record["input_tokens"]!, told[0].GetProperty("usage").GetProperty("prompt_tokens").GetInt64());
            Assert.Equal(OpenAiReplies.Id, told[0].GetProperty("id").GetString());
        }
    }

    [Fact]
    public async Task Provider_that_refuses_stream_options_is_asked_once_more_and_remembered()
    {
        await using var stage = await ProductionStage.StartAsync();
        stage.First.Answers(
            Script.Json(OpenAiReplies.Error("Unrecognized request argument supplied: stream_options", "invalid_request_error"), 400),
            OpenAiReplies.Stream("one"), OpenAiReplies.Stream("two"), OpenAiReplies.Stream("three"));

        var first = await stage.AskAsync(isStreaming: true);
        var second = await stage.AskAsync(isStreaming: true);
        var third = await stage.AskAsync(ProductionStage.Body(isStreaming: true, more: AsksUsage));

        first.AssertAnswered("one");
        second.AssertAnswered("two");
        third.AssertAnswered("three");
        Assert.Equal(("1", null), (first.Header("x-llm-attempts"), first.Header("x-llm-fallback-reason")));
        Assert.Equal([true, false, false, false], stage.First.Requests.Select(request => request.Json().TryGetProperty("stream_options", out _)));
        Assert.Empty(stage.Second.Requests);
    }

    [Fact]
    public async Task Refusal_of_stream_options_that_does_not_help_is_passed_on()
    {
        await using var stage = await ProductionStage.StartAsync();
        stage.First.AlwaysAnswers(_ => Script.Json(OpenAiReplies.Error("no stream_options here", "invalid_request_error"), 400));

        var answer = await stage.AskAsync(isStreaming: true);

        answer.AssertError(400, "invalid_request");
        Assert.Equal(2, stage.First.Requests.Count);
        Assert.Empty(stage.Second.Requests);
    }

    // One client's mistake used to switch usage off for all streams of the target.
    [Fact]
    public async Task Clients_own_wrong_stream_options_teach_nothing()
    {
        await using var stage = await ProductionStage.StartAloneAsync();
        stage.First.AllowsRefusals().AlwaysAnswers(_ => OpenAiReplies.Stream("fine"));

        var notStreamed = await stage.AskAsync(ProductionStage.Body(isStreaming: false, more: AsksUsage));
        var unknownOption = await stage.AskAsync(ProductionStage.Body(isStreaming: true, more: ",\"stream_options\":{\"bogus\":1}"));
        (await stage.AskAsync(isStreaming: true)).AssertAnswered("fine");

        Assert.Equal((400, 400), (notStreamed.Status, unknownOption.Status));
        Assert.Equal("{\"include_usage\":true}", stage.First.Requests[^1].Json().GetProperty("stream_options").GetRawText());
    }

    [Fact]
    public async Task Provider_that_is_said_not_to_take_stream_options_is_not_sent_any()
    {
        await using var stage = await ProductionStage.StartAsync(
            ProductionStage.Agents(agents: """ "quiet": { "provider": "backup" } """),
            stage => stage.Gateway.WithSettings(ProductionStage.Settings(stage.Second.BaseUrl).Replace("type: openai,", "type: openai, stream_usage: false,", StringComparison.Ordinal)));
        stage.Second.Answers(OpenAiReplies.Stream("fine"));

        (await stage.AskAsync(ProductionStage.Body(isStreaming: true), ("X-Agent-Profile", "quiet"))).AssertAnswered("fine");

        Assert.False(stage.Second.Requests[0].Json().TryGetProperty("stream_options", out _));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Stream_in_single_bytes_gives_the_client_the_same_bytes(bool inChunks)
    {
        await using var stage = await ProductionStage.StartAloneAsync();
        var bytes = Encoding.UTF8.GetBytes(string.Concat(Odd.Select(Event)) + Event(OpenAiReplies.UsageChunk(31, 7)) + "data: [DONE]\n\n");
        var script = new Script().Drip().Head(200, "text/event-stream", BodyFraming.Chunked);
        foreach (var piece in inChunks ? bytes.Chunk(1) : [bytes])
        {
            script.Bytes(piece);
        }

        stage.First.Answers(script);

        var answer = await stage.AskAsync(ProductionStage.Body(isStreaming: true, more: AsksUsage));

        Assert.Equal(Encoding.UTF8.GetString(bytes), answer.Body);
    }

    [Fact]
    public async Task Stream_split_at_every_byte_gives_the_client_the_same_bytes()
    {
        await using var stage = await ProductionStage.StartAloneAsync();
        var bytes = Encoding.UTF8.GetBytes(Event(Odd[1]) + Event(Odd[3]) + "data: [DONE]\n\n");
        for (var split = 1; split < bytes.Length; split++)
        {
            stage.First.Answers(new Script().Head(200, "text/event-stream", BodyFraming.Chunked).Bytes(bytes[..split]).Bytes(bytes[split..]));
            using var response = await stage.OpenAsync(ProductionStage.Body(isStreaming: true));
            Assert.Equal(bytes, await response.Content.ReadAsByteArrayAsync(Cancellation));
        }

        Assert.Equal(bytes.Length - 1, stage.First.Requests.Count);
    }

    [Theory]
    [InlineData("\r\n", "")]
    [InlineData("\r", "")]
    [InlineData("\n", "\uFEFF")]
    public async Task Every_line_end_of_the_standard_is_understood(string lineEnd, string start)
    {
        await using var stage = await ProductionStage.StartAloneAsync();
        string[] events = [OpenAiReplies.RoleChunk(), OpenAiReplies.ContentChunk("Well "), OpenAiReplies.ContentChunk("met"), OpenAiReplies.FinishChunk(), OpenAiReplies.UsageChunk(), "[DONE]"];
        var script = new Script().Drip().Head(200, "text/event-stream", BodyFraming.Chunked).Text(start);
        foreach (var data in events)
        {
            script.Text($"id: 7{lineEnd}retry: 10{lineEnd}data:{data}{lineEnd}{lineEnd}");
        }

        stage.First.Answers(script);

        using var response = await stage.OpenAsync(ProductionStage.Body(isStreaming: true));
        var chunks = new List<string>();
        await foreach (var item in SseParser.Create(await response.Content.ReadAsStreamAsync(Cancellation)).EnumerateAsync(Cancellation))
        {
            chunks.Add(item.Data);
        }

        Assert.Equal(events.Where(data => !data.Contains("\"usage\"", StringComparison.Ordinal)), chunks);
        var record = Assert.Single(await stage.Ledger.WaitForRequestsAsync(1));
        Assert.Equal(("success", 9L), (record["attempt_outcome"], record["input_tokens"]));
    }

    [Fact]
    public async Task Comments_after_the_first_token_go_through()
    {
        await using var stage = await ProductionStage.StartAloneAsync();
        stage.First.Answers(Script.Sse(OpenAiReplies.RoleChunk()).Comment("before").Event(OpenAiReplies.ContentChunk("Hello")).Comment("after").Event(OpenAiReplies.FinishChunk()).Done());

        var answer = await stage.AskAsync(isStreaming: true);

        answer.AssertAnswered("Hello");
        Assert.Contains(": after\n\n", answer.Body, StringComparison.Ordinal);
        Assert.DoesNotContain("before", answer.Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Large_events_go_through_whole()
    {
        await using var stage = await ProductionStage.StartAloneAsync();
        var words = Enumerable.Range(0, 4).Select(i => new string((char)('a' + i), 300_000 * (i + 1))).ToArray();
        stage.First.Answers(OpenAiReplies.Stream(words));

        (await stage.AskAsync(isStreaming: true)).AssertAnswered(string.Concat(words));
    }

    [Fact]
    public async Task Many_small_events_go_through_whole()
    {
        await using var stage = await ProductionStage.StartAloneAsync();
        var words = Enumerable.Range(0, 5000).Select(i => $"{i} ").ToArray();
        stage.First.Answers(OpenAiReplies.Stream(words));

        using var response = await stage.OpenAsync(ProductionStage.Body(isStreaming: true));
        var text = await response.Content.ReadAsStringAsync(Cancellation);

        Assert.Equal(words.Length + 3, text.Split("\n\n", StringSplitOptions.RemoveEmptyEntries).Length);
        Assert.EndsWith("data: [DONE]\n\n", text, StringComparison.Ordinal);
        var record = Assert.Single(await stage.Ledger.WaitForRequestsAsync(1));
        Assert.Equal(5000L, record["output_tokens"]);
    }

    [Theory]
    [InlineData("data: [DONE]\n\n")]
    [InlineData("data:[DONE]\n\n")]
    [InlineData("data: [DONE]")]
    [InlineData("")]
    public async Task Finished_stream_ends_with_one_DONE(string end)
    {
        await using var stage = await ProductionStage.StartAloneAsync();
        stage.First.Answers(Script.Sse(OpenAiReplies.RoleChunk(), OpenAiReplies.ContentChunk("Hello"), OpenAiReplies.FinishChunk()).Text(end));

        var answer = await stage.AskAsync(isStreaming: true);

        answer.AssertAnswered("Hello");
        Assert.Single(answer.Events, one => one.IsDone);
    }

    [Fact]
    public async Task Last_event_without_its_blank_line_is_not_lost()
    {
        await using var stage = await ProductionStage.StartAloneAsync();
        stage.First.Answers(Script.Sse(OpenAiReplies.RoleChunk(), OpenAiReplies.ContentChunk("Hello")).Text("data: " + OpenAiReplies.FinishChunk()));

        (await stage.AskAsync(isStreaming: true)).AssertAnswered("Hello");
    }

    [Fact]
    public async Task What_follows_DONE_is_not_passed_on()
    {
        await using var stage = await ProductionStage.StartAloneAsync();
        stage.First.Answers(OpenAiReplies.Stream("Hello").Event(OpenAiReplies.ContentChunk("ghost")));

        var answer = await stage.AskAsync(isStreaming: true);

        answer.AssertAnswered("Hello");
        Assert.DoesNotContain("ghost", answer.Body, StringComparison.Ordinal);
        await stage.AssertNothingLeaksAsync(isStreaming: true);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Whole_completion_in_answer_to_a_stream_request_is_streamed(bool asks)
    {
        await using var stage = await ProductionStage.StartAsync();
        stage.First.Answers(Script.Json(OpenAiReplies.Completion("Well met", 31, 7)));

        var answer = await stage.AskAsync(ProductionStage.Body(isStreaming: true, more: asks ? AsksUsage : ""));

        answer.AssertAnswered("Well met");
        Assert.Equal("internal", answer.Header("x-llm-provider"));
        Assert.Contains(answer.Chunks, chunk => chunk.GetProperty("choices") is var choices && choices.GetArrayLength() > 0 && choices[0].GetProperty("finish_reason").ValueKind == JsonValueKind.String);
        Assert.Equal(asks, answer.Body.Contains("\"completion_tokens\":7", StringComparison.Ordinal));
        var record = Assert.Single(await stage.Ledger.WaitForRequestsAsync(1));
        Assert.Equal((31L, 7L, 1L), (record["input_tokens"], record["output_tokens"], record["streaming"]));
    }

    [Fact]
    public async Task Stream_in_answer_to_a_request_for_a_whole_completion_is_put_together()
    {
        await using var stage = await ProductionStage.StartAsync();
        stage.First.Answers(WithUsage([OpenAiReplies.RoleChunk(), OpenAiReplies.ContentChunk("Well "), OpenAiReplies.ContentChunk("met"), OpenAiReplies.FinishChunk()]));

        var answer = await stage.AskAsync(isStreaming: false);

        answer.AssertAnswered("Well met");
        Assert.Equal("internal", answer.Header("x-llm-provider"));
        OpenAiSchema.AssertValid(OpenAiSchema.Completion, answer.Body);
        var record = Assert.Single(await stage.Ledger.WaitForRequestsAsync(1));
        Assert.Equal((31L, 7L, 0L), (record["input_tokens"], record["output_tokens"], record["streaming"]));
    }

    [Fact]
    public async Task Stream_that_breaks_off_is_no_whole_completion()
    {
        await using var stage = await ProductionStage.StartAsync();
        stage.First.Answers(Script.Sse(OpenAiReplies.RoleChunk(), OpenAiReplies.ContentChunk("Half")));
        stage.Second.Answers(ProductionStage.Answer(isStreaming: false));

        var answer = await stage.AskAsync(isStreaming: false);

        answer.AssertAnswered("Well met");
        Assert.Equal(("backup", "invalid_response"), (answer.Header("x-llm-provider"), answer.Header("x-llm-fallback-reason")));
    }

    [Theory]
    [InlineData("reasoning_content")]
    [InlineData("reasoning")]
    [InlineData("refusal")]
    public async Task Other_kinds_of_output_are_first_tokens_too(string member)
    {
        await using var stage = await ProductionStage.StartAsync();
        var gate = new Gate();
        stage.First.Answers(Script.Sse(OpenAiReplies.Chunk($$"""{"{{member}}":"hm"}""")).WaitFor(gate).Event(OpenAiReplies.FinishChunk()).Done());

        using var response = await stage.OpenAsync(ProductionStage.Body(isStreaming: true));
        gate.Release();

        (await ChatAnswer.ReadAsync(response)).AssertAnswered("");
        Assert.Empty(stage.Second.Requests);
    }

    private static string Event(string data) => "data: " + data + "\n\n";

    /// <summary>The chunks as a provider sends them that was asked for usage: null in each, and one chunk more.</summary>
    private static Script WithUsage(string[] chunks) =>
        Script.Sse([.. chunks.Select(chunk => chunk[..^1] + ",\"usage\":null}"), OpenAiReplies.UsageChunk(31, 7)]).Done();
}
