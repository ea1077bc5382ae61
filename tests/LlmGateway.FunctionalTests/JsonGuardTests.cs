using LlmGateway.FunctionalTests.Infrastructure;

namespace LlmGateway.FunctionalTests;

/// <summary>Who asks for JSON gets JSON: an answer that does not parse is an invalid response, and the next target is asked.</summary>
public sealed class JsonGuardTests
{
    private const string Wanted = ""","response_format":{"type":"json_object"}""";
    private const string WithSchema = ""","response_format":{"type":"json_schema","json_schema":{"name":"a","schema":{"type":"object"}}}""";

    [Theory]
    [InlineData(Wanted, "Sure, here it is: {}")]
    [InlineData(Wanted, "{\"a\":")]
    [InlineData(Wanted, "")]
    [InlineData(Wanted, "{\"a\":1} and more")]
    [InlineData(Wanted, "```json\n{\"a\":1}\n```")]
    [InlineData(WithSchema, "no")]
    public async Task An_answer_that_is_no_JSON_goes_on_to_the_next_target(string format, string content)
    {
        await using var stage = await ProductionStage.StartAsync();
        stage.First.Answers(Script.Json(OpenAiReplies.Completion(content, 30, 20)));
        stage.Second.Answers(Script.Json(OpenAiReplies.Completion("{\"a\":1}", 9, 2)));

        var answer = await stage.AskAsync(ProductionStage.Body(false, more: format));

        answer.AssertAnswered("{\"a\":1}");
        Assert.Equal(("backup", "2", "invalid_response"), (answer.Header("x-llm-provider"), answer.Header("x-llm-attempts"), answer.Header("x-llm-fallback-reason")));
        var record = Assert.Single(await stage.Ledger.WaitForRequestsAsync(1));
        Assert.Equal((39L, 22L), (record["input_tokens"], record["output_tokens"]));
        var refused = stage.Ledger.Attempts(record)[0];
        Assert.Equal(("invalid_response", "provider", 20L), (refused["outcome"], refused["source"], refused["output_tokens"]));
        Assert.Equal(1, (await stage.Gateway.MetricsAsync()).Sum("llm_gateway_attempts_total", ("provider", "internal"), ("outcome", "invalid_response")));
    }

    [Fact]
    public async Task A_profile_that_asks_for_JSON_is_enough()
    {
        await using var stage = await ProductionStage.StartAsync(ProductionStage.Agents(defaults: "\"response_format\": \"json\""));
        stage.First.Answers(Script.Json(OpenAiReplies.Completion("no")));
        stage.Second.Answers(Script.Json(OpenAiReplies.Completion("[1, 2]")));

        (await stage.AskAsync(isStreaming: false)).AssertAnswered("[1, 2]");
    }

    [Fact]
    public async Task A_request_for_text_goes_before_the_profile()
    {
        await using var stage = await ProductionStage.StartAsync(ProductionStage.Agents(defaults: "\"response_format\": \"json\""));
        stage.First.Answers(Script.Json(OpenAiReplies.Completion("no")));

        (await stage.AskAsync(ProductionStage.Body(false, more: ""","response_format":{"type":"text"}"""))).AssertAnswered("no");
    }

    [Theory]
    [InlineData(" {\"a\": [1, null]}\n")]
    [InlineData("\"text\"")]
    public async Task JSON_passes_as_it_is(string content)
    {
        await using var stage = await ProductionStage.StartAsync();
        stage.First.Answers(Script.Json(OpenAiReplies.Completion(content)));

        var answer = await stage.AskAsync(ProductionStage.Body(false, more: Wanted));

        answer.AssertAnswered(content);
        Assert.Empty(stage.Second.Requests);
    }

    [Fact]
    public async Task An_answer_that_was_cut_at_its_limit_is_no_JSON()
    {
        await using var stage = await ProductionStage.StartAsync();
        stage.First.Answers(Script.Json(OpenAiReplies.Completion("12").Replace("\"stop\"", "\"length\"", StringComparison.Ordinal)));
        stage.Second.Answers(Script.Json(OpenAiReplies.Completion("123")));

        (await stage.AskAsync(ProductionStage.Body(false, more: Wanted))).AssertAnswered("123");
    }

    [Theory]
    [InlineData("\"refusal\":null", "\"refusal\":\"I will not.\"", "\"stop\"")]
    [InlineData("\"refusal\":null", "\"refusal\":null,\"tool_calls\":[{\"id\":\"c\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]", "\"tool_calls\"")]
    [InlineData("\"refusal\":null", "\"refusal\":null", "\"content_filter\"")]
    public async Task Refusals_tool_calls_and_a_filters_cut_are_answers(string member, string with, string finish)
    {
        await using var stage = await ProductionStage.StartAsync();
        var reply = OpenAiReplies.Completion("").Replace(member, with, StringComparison.Ordinal).Replace("\"stop\"", finish, StringComparison.Ordinal);
        stage.First.Answers(Script.Json(reply));

        Assert.Equal(200, (await stage.AskAsync(ProductionStage.Body(false, more: Wanted))).Status);

        Assert.Empty(stage.Second.Requests);
    }

    [Fact]
    public async Task When_nobody_answers_in_JSON_all_have_failed()
    {
        await using var stage = await ProductionStage.StartAsync();
        stage.First.Answers(Script.Json(OpenAiReplies.Completion("no")));
        stage.Second.Answers(Script.Json(OpenAiReplies.Completion("no")));

        var answer = await stage.AskAsync(ProductionStage.Body(false, more: Wanted));

        answer.AssertError(502, "all_providers_failed");
        Assert.Contains("invalid_response", answer.ErrorMessage, StringComparison.Ordinal);
    }

    // The agents that ship ask for JSON, and the first call of all finds no model but the mock.
    [Fact]
    public async Task The_mock_that_stands_in_is_not_held_to_it()
    {
        await using var gateway = await new GatewayUnderTest().WithAgents("""{"default":{"response_format":"json"}}""").StartAsync();

        using var response = await gateway.SendAsync(ProductionStage.Path, ProductionStage.Body(false));

        Assert.Contains("Mock response to: Hello there", await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Streams_are_not_held_back_to_be_judged()
    {
        await using var stage = await ProductionStage.StartAsync();
        stage.First.Answers(OpenAiReplies.Stream("no"));

        (await stage.AskAsync(ProductionStage.Body(true, more: Wanted))).AssertAnswered("no");
    }
}
