using System.Diagnostics;
using System.Net.Sockets;
using LlmGateway.FunctionalTests.Infrastructure;

namespace LlmGateway.FunctionalTests;

/// <summary>A silent target gets company: the first token wins, the other is cancelled, and both are paid for.</summary>
public sealed class HedgingTests
{
    private const string Hedged = "\"hedge_after_ms\": 50";
    private const string HedgedLate = "\"hedge_after_ms\": 60000";

    private static readonly TimeSpan Promised = TimeSpan.FromMilliseconds(500);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_second_target_answers_when_the_first_is_silent(bool isStreaming)
    {
        await using var stage = await ProductionStage.StartAsync(ProductionStage.Agents(defaults: Hedged), Priced);
        stage.First.Answers(Script.NeverAnswer());
        stage.Second.Answers(ProductionStage.Answer(isStreaming));

        var answer = await stage.AskAsync(isStreaming);

        answer.AssertAnswered("Well met");
        Assert.Equal(("backup", "backup-model", "2", null), (answer.Header("x-llm-provider"), answer.Header("x-llm-model"), answer.Header("x-llm-attempts"), answer.Header("x-llm-fallback-reason")));
        await stage.First.Requests[0].WaitForPeerCloseAsync();
        var record = Assert.Single(await stage.Ledger.WaitForRequestsAsync(1));
        Assert.Equal(("backup", 200L), (record["provider"], record["status"]));
        var attempts = stage.Ledger.Attempts(record);
        Assert.Equal([("answer", "cancelled", "estimated"), ("hedge", "success", "provider")], attempts.Select(Facts));
        Assert.True((long)attempts[0]["input_tokens"]! > 0);
        Assert.Equal((long)attempts[0]["cost_micro_usd"]! + (long)attempts[1]["cost_micro_usd"]!, record["cost_micro_usd"]);
        Assert.True((long)attempts[0]["cost_micro_usd"]! > 0);
        Assert.Equal(0, (await stage.Gateway.MetricsAsync()).Sum("llm_gateway_fallbacks_total"));
        await stage.AssertNothingLeaksAsync(isStreaming);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_first_target_still_wins_when_its_token_comes_first(bool isStreaming)
    {
        await using var stage = await ProductionStage.StartAsync(ProductionStage.Agents(defaults: Hedged));
        var gate = new Gate();
        stage.First.Answers(Waiting(gate, isStreaming));
        stage.Second.Answers(Script.NeverAnswer());

        var asking = stage.AskAsync(isStreaming);
        var hedge = await stage.Second.WaitForRequestAsync();
        gate.Release();
        var answer = await asking;

        answer.AssertAnswered("At last");
        Assert.Equal(("internal", "2", null), (answer.Header("x-llm-provider"), answer.Header("x-llm-attempts"), answer.Header("x-llm-fallback-reason")));
        await hedge.WaitForPeerCloseAsync();
        var record = Assert.Single(await stage.Ledger.WaitForRequestsAsync(1));
        Assert.Equal([("answer", "success", "provider"), ("hedge", "cancelled", "estimated")], stage.Ledger.Attempts(record).Select(Facts));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_first_target_that_answers_in_time_has_no_company(bool isStreaming)
    {
        await using var stage = await ProductionStage.StartAsync(ProductionStage.Agents(defaults: HedgedLate));
        stage.First.Answers(ProductionStage.Answer(isStreaming));

        var answer = await stage.AskAsync(isStreaming);

        answer.AssertAnswered("Well met");
        Assert.Equal(("internal", "1"), (answer.Header("x-llm-provider"), answer.Header("x-llm-attempts")));
        Assert.Empty(stage.Second.Requests);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_failure_before_the_time_falls_through_at_once(bool isStreaming)
    {
        await using var stage = await ProductionStage.StartAsync(ProductionStage.Agents(defaults: HedgedLate));
        stage.First.Answers(Script.Json("{}", 500));
        stage.Second.Answers(ProductionStage.Answer(isStreaming));

        var answer = await stage.AskAsync(isStreaming);

        answer.AssertAnswered("Well met");
        Assert.Equal(("2", "server_error"), (answer.Header("x-llm-attempts"), answer.Header("x-llm-fallback-reason")));
        var record = Assert.Single(await stage.Ledger.WaitForRequestsAsync(1));
        Assert.Equal([("answer", "server_error", "none"), ("answer", "success", "provider")], stage.Ledger.Attempts(record).Select(Facts));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_hedge_that_fails_is_no_failure_of_the_request(bool isStreaming)
    {
        await using var stage = await ProductionStage.StartAsync(ProductionStage.Agents(defaults: Hedged));
        var gate = new Gate();
        stage.First.Answers(Waiting(gate, isStreaming));
        stage.Second.Answers(Script.Json("{}", 500));

        var asking = stage.AskAsync(isStreaming);
        await stage.Second.WaitForRequestAsync();
        gate.Release();
        var answer = await asking;

        answer.AssertAnswered("At last");
        Assert.Equal(("internal", null), (answer.Header("x-llm-provider"), answer.Header("x-llm-fallback-reason")));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_first_that_fails_beside_its_hedge_leaves_it_the_answer(bool isStreaming)
    {
        await using var stage = await ProductionStage.StartAsync(ProductionStage.Agents(defaults: Hedged));
        var (first, second) = (new Gate(), new Gate());
        stage.First.Answers(new Script().WaitFor(first).Reset());
        stage.Second.Answers(Waiting(second, isStreaming));

        var asking = stage.AskAsync(isStreaming);
        await stage.Second.WaitForRequestAsync();
        first.Release();
        await second.Reached;
        second.Release();
        var answer = await asking;

        answer.AssertAnswered("At last");
        Assert.Equal(("backup", "2"), (answer.Header("x-llm-provider"), answer.Header("x-llm-attempts")));
    }

    [Fact]
    public async Task A_third_target_joins_when_the_hedge_has_failed()
    {
        const string Two = """{ "provider": "backup", "model_name": "backup-model" }, { "provider": "backup", "model_name": "third-model" }""";
        await using var stage = await ProductionStage.StartAsync(ProductionStage.Agents(defaults: Hedged, fallback: Two));
        stage.First.Answers(Script.NeverAnswer());
        stage.Second.Answers(Script.Json("{}", 500), ProductionStage.Answer(isStreaming: true));

        var answer = await stage.AskAsync(isStreaming: true);

        answer.AssertAnswered("Well met");
        Assert.Equal(("third-model", "3"), (answer.Header("x-llm-model"), answer.Header("x-llm-attempts")));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task When_both_fail_the_client_is_told_of_both(bool isStreaming)
    {
        await using var stage = await ProductionStage.StartAsync(ProductionStage.Agents(defaults: Hedged));
        var gate = new Gate();
        stage.First.Answers(new Script().WaitFor(gate).Reset());
        stage.Second.Answers(Script.Json("{}", 503));

        var asking = stage.AskAsync(isStreaming);
        await stage.Second.WaitForRequestAsync();
        gate.Release();
        var answer = await asking;

        answer.AssertError(502, "all_providers_failed");
        Assert.Contains("internal/internal-model: connection", answer.ErrorMessage, StringComparison.Ordinal);
        Assert.Contains("backup/backup-model: server_error (status 503)", answer.ErrorMessage, StringComparison.Ordinal);
        Assert.Equal("2", answer.Header("x-llm-attempts"));
    }

    [Fact]
    public async Task Both_are_cancelled_when_the_client_leaves()
    {
        await using var stage = await ProductionStage.StartAsync(ProductionStage.Agents(defaults: Hedged));
        stage.First.Answers(Script.NeverAnswer());
        stage.Second.Answers(Script.NeverAnswer());
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await LeavingClient.ConnectAsync(socket, stage);
        await LeavingClient.SendAsync(socket, stage, ProductionStage.Body(isStreaming: true));
        var second = await stage.Second.WaitForRequestAsync();

        var left = Stopwatch.GetTimestamp();
        LeavingClient.Reset(socket);

        foreach (var request in (RecordedRequest[])[stage.First.Requests[0], second])
        {
            Assert.InRange(Stopwatch.GetElapsedTime(left, await request.WaitForPeerCloseAsync()), TimeSpan.Zero, Promised);
        }

        var record = Assert.Single(await stage.Ledger.WaitForRequestsAsync(1));
        Assert.Equal(499L, record["status"]);
        Assert.Equal([("answer", "cancelled", "estimated"), ("hedge", "cancelled", "estimated")], stage.Ledger.Attempts(record).Select(Facts));
    }

    [Fact]
    public async Task The_winners_stream_ends_with_its_client()
    {
        await using var stage = await ProductionStage.StartAsync(ProductionStage.Agents(defaults: Hedged));
        stage.First.Answers(Script.NeverAnswer());
        stage.Second.Answers(Script.Sse(OpenAiReplies.ContentChunk("one")).Stall());
        using (var response = await stage.OpenAsync(ProductionStage.Body(isStreaming: true)))
        {
            await using var reader = await SseReader.OpenAsync(response, TestContext.Current.CancellationToken);
            Assert.Contains("one", (await reader.NextAsync())!.Data, StringComparison.Ordinal);
        }

        await stage.Second.Requests[0].WaitForPeerCloseAsync();
        Assert.Equal(499L, Assert.Single(await stage.Ledger.WaitForRequestsAsync(1))["status"]);
    }

    private static (object?, object?, object?) Facts(IReadOnlyDictionary<string, object?> attempt) => (attempt["role"], attempt["outcome"], attempt["source"]);

    private static Script Waiting(Gate gate, bool isStreaming) => isStreaming
        ? Script.Sse(OpenAiReplies.RoleChunk()).WaitFor(gate).Event(OpenAiReplies.ContentChunk("At last")).Event(OpenAiReplies.FinishChunk()).Event(OpenAiReplies.UsageChunk()).Done()
        : new Script().WaitFor(gate).Add(run => Script.Json(OpenAiReplies.Completion("At last")).PlayAsync(run));

    private static void Priced(ProductionStage stage) => stage.Gateway.WithSettings($$"""
        llm: { timeout: 20 }
        providers:
          backup: { type: openai, base_url: "{{stage.Second.BaseUrl}}", api_key: "${BACKUP_KEY}", models: { backup-model: { input_cost_per_1m: 1000, output_cost_per_1m: 1000 } } }
          internal: { type: internal, base_url: "{{stage.First.BaseUrl}}", models: { internal-model: { input_cost_per_1m: 1000, output_cost_per_1m: 1000 } } }
        """);
}
