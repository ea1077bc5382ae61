using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using LlmGateway.FunctionalTests.Infrastructure;

namespace LlmGateway.FunctionalTests;

/// <summary>Time: the limit of an attempt and where it comes from, the limit of the whole request, and whose time it is.</summary>
public sealed class TimeoutTests
{
    /// <summary>Far above every limit set here, far below every default: which of the two it was is never in doubt.</summary>
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(8);

    public static TheoryData<bool, string> Sources()
    {
        var data = new TheoryData<bool, string>();
        foreach (var source in (string[])["agent", "default", "LLM_TIMEOUT", "llm.timeout", "provider"])
        {
            data.Add(false, source);
            data.Add(true, source);
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Sources))]
    public async Task The_limit_of_an_attempt_comes_from(bool isStreaming, string source)
    {
        // Everything that goes behind the source is long.
        var (agent, common, provider, variable, setting) = source switch
        {
            "agent" => ("0.3", "20", "20", "20", "20"),
            "default" => (null, "0.3", "20", "20", "20"),
            "provider" => (null, null, "0.3", "20", "20"),
            "LLM_TIMEOUT" => (null, null, null, "0.3", "20"),
            _ => ((string?)null, (string?)null, (string?)null, (string?)null, "0.3"),
        };
        var agents = ProductionStage.Agents(
            defaults: common is null ? "" : $"\"timeout\": {common}",
            fallback: "",
            agents: "\"slow\": { \"provider\": \"backup\"" + (agent is null ? "" : $", \"timeout\": {agent}") + " }");
        await using var stage = await ProductionStage.StartAsync(agents, stage =>
        {
            var settings = ProductionStage.Settings(stage.Second.BaseUrl, llm: "timeout: " + setting);
            stage.Gateway.WithSettings(provider is null ? settings : settings.Replace("type: openai,", $"type: openai, timeout: {provider},", StringComparison.Ordinal));
            if (variable is not null)
            {
                stage.Gateway.WithVariable("LLM_TIMEOUT", variable);
            }
        });
        stage.Second.Answers(Script.NeverAnswer());

        var start = Stopwatch.GetTimestamp();
        var answer = await stage.AskAsync(ProductionStage.Body(isStreaming), ("X-Agent-Profile", "slow"));

        answer.AssertError(504, "upstream_timeout");
        Assert.InRange(Stopwatch.GetElapsedTime(start), TimeSpan.FromSeconds(0.28), Soon);
        await stage.Second.Requests[0].WaitForPeerCloseAsync();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_timed_out_target_is_not_asked_twice(bool isStreaming)
    {
        await using var stage = await ProductionStage.StartAsync(
            ProductionStage.Agents(defaults: "\"timeout\": 0.3"), stage => stage.Gateway.WithSettings(ProductionStage.Settings(stage.Second.BaseUrl, llm: "retry_attempts: 2")));
        stage.First.Answers(Script.NeverAnswer());
        stage.Second.Answers(ProductionStage.Answer(isStreaming));

        var answer = await stage.AskAsync(isStreaming);

        answer.AssertAnswered("Well met");
        Assert.Equal(("timeout", "2"), (answer.Header("x-llm-fallback-reason"), answer.Header("x-llm-attempts")));
        Assert.Single(stage.First.Requests);
    }

    [Fact]
    public async Task A_whole_answer_must_be_complete_in_time()
    {
        await using var stage = await ProductionStage.StartAloneAsync("\"timeout\": 0.3");
        stage.First.Answers(new Script().Head(200, "application/json", BodyFraming.Length, ("content-length", "500")).Text("{\"id\":").Stall());

        (await stage.AskAsync(isStreaming: false)).AssertError(504, "upstream_timeout");

        await stage.First.Requests[0].WaitForPeerCloseAsync();
        await stage.AssertNothingLeaksAsync(isStreaming: false);
    }

    [Fact]
    public async Task An_error_answer_that_stalls_still_falls_back()
    {
        await using var stage = await ProductionStage.StartAsync(ProductionStage.Agents(defaults: "\"timeout\": 0.3"));
        stage.First.Answers(new Script().Head(500, "application/json", BodyFraming.Length, ("content-length", "500")).Text("{\"error\":").Stall());
        stage.Second.Answers(ProductionStage.Answer(isStreaming: false));

        (await stage.AskAsync(isStreaming: false)).AssertAnswered("Well met");

        await stage.First.Requests[0].WaitForPeerCloseAsync();
    }

    [Fact]
    public async Task A_stream_may_last_longer_than_its_limit_while_tokens_come()
    {
        await using var stage = await ProductionStage.StartAloneAsync("\"timeout\": 0.6");
        var script = Script.Sse(OpenAiReplies.RoleChunk()).Add(async run =>
        {
            using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(150));
            for (var i = 0; i < 8; i++)
            {
                await timer.WaitForNextTickAsync(run.Stopping);
                await run.WriteBodyAsync(Encoding.UTF8.GetBytes("data: " + OpenAiReplies.ContentChunk("x") + "\n\n"));
            }
        });
        stage.First.Answers(script.Event(OpenAiReplies.FinishChunk()).Done());

        var start = Stopwatch.GetTimestamp();
        var answer = await stage.AskAsync(isStreaming: true);

        answer.AssertAnswered("xxxxxxxx");
        Assert.True(Stopwatch.GetElapsedTime(start) > TimeSpan.FromSeconds(1));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task All_attempts_together_end_with_the_total(bool isStreaming)
    {
        await using var stage = await ProductionStage.StartAsync(configure: stage => stage.Gateway.WithVariable("LLM_TOTAL_TIMEOUT", "4").WithVariable("LLM_TIMEOUT", "2.4"));
        stage.First.Answers(Script.NeverAnswer());
        stage.Second.Answers(Script.NeverAnswer());

        var start = Stopwatch.GetTimestamp();
        var answer = await stage.AskAsync(isStreaming);

        answer.AssertError(504, "upstream_timeout");
        Assert.InRange(Stopwatch.GetElapsedTime(start), TimeSpan.FromSeconds(3.95), Soon);
        Assert.Equal("2", answer.Header("x-llm-attempts"));
        var record = Assert.Single(await stage.Ledger.WaitForRequestsAsync(1));
        var durations = stage.Ledger.Attempts(record).Select(attempt => (long)attempt["duration_us"]!).ToList();
        Assert.True(durations[1] < 2_200_000, $"the second attempt had only the rest of the four seconds: {durations[1]} µs");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task No_attempt_starts_with_too_little_time_left(bool isStreaming)
    {
        await using var stage = await ProductionStage.StartAsync(configure: stage => stage.Gateway.WithVariable("LLM_TOTAL_TIMEOUT", "1").WithVariable("LLM_TIMEOUT", "0.85"));
        stage.First.Answers(Script.NeverAnswer());

        var answer = await stage.AskAsync(isStreaming);

        answer.AssertError(504, "upstream_timeout");
        Assert.Equal("1", answer.Header("x-llm-attempts"));
        Assert.Empty(stage.Second.Requests);
    }

    // The first attempt used to be made however little time was left.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Not_even_the_first_attempt_starts_with_too_little_time_left(bool isStreaming)
    {
        await using var stage = await ProductionStage.StartAsync();

        var answer = await stage.AskAsync(isStreaming, ("X-Stainless-Timeout", "0.1"));

        answer.AssertError(504, "upstream_timeout");
        Assert.Equal("0", answer.Header("x-llm-attempts"));
        Assert.Empty(stage.First.Requests);
    }

    [Fact]
    public async Task A_stream_ends_with_the_total_even_while_tokens_come()
    {
        await using var stage = await ProductionStage.StartAloneAsync(configure: stage => stage.Gateway.WithVariable("LLM_TOTAL_TIMEOUT", "0.8"));
        stage.First.Answers(Script.Sse(OpenAiReplies.RoleChunk()).Add(async run =>
        {
            using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(40));
            while (!run.Request.HasPeerClosed)
            {
                await run.WriteBodyAsync(Encoding.UTF8.GetBytes("data: " + OpenAiReplies.ContentChunk("x") + "\n\n"));
                await timer.WaitForNextTickAsync(run.Stopping);
            }

            run.Reset();
        }));

        var answer = await stage.AskAsync(isStreaming: true);

        answer.AssertBroken(answer.Text);
        Assert.StartsWith("xxx", answer.Text, StringComparison.Ordinal);
        Assert.Contains("(timeout)", answer.ErrorMessage, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false, "0.5", true)]
    [InlineData(true, "0.5", true)]
    [InlineData(false, "nonsense", false)]
    [InlineData(true, "-1", false)]
    [InlineData(false, "0", false)]
    [InlineData(true, "NaN", false)]
    [InlineData(true, "1e300", false)]
    public async Task An_SDKs_own_limit_lowers_the_total_and_never_raises_it(bool isStreaming, string header, bool isLowered)
    {
        await using var stage = await ProductionStage.StartAloneAsync(configure: stage => stage.Gateway.WithVariable("LLM_TOTAL_TIMEOUT", isLowered ? "20" : "0.6"));
        stage.First.Answers(Script.NeverAnswer());

        var start = Stopwatch.GetTimestamp();
        var answer = await stage.AskAsync(isStreaming, ("X-Stainless-Timeout", header));

        answer.AssertError(504, "upstream_timeout");
        Assert.InRange(Stopwatch.GetElapsedTime(start), TimeSpan.FromSeconds(isLowered ? 0.48 : 0.58), Soon);
    }

    [Fact]
    public async Task A_client_that_reads_slowly_does_not_use_up_the_providers_time()
    {
        // More than all buffers on the way hold, so that the gateway must wait for the client.
        var word = new string('x', 64 * 1024);
        const int Words = 400;
        await using var stage = await ProductionStage.StartAloneAsync("\"timeout\": 0.5");
        var script = Script.Sse(OpenAiReplies.RoleChunk());
        for (var i = 0; i < Words; i++)
        {
            script.Event(OpenAiReplies.ContentChunk(word));
        }

        stage.First.Answers(script.Event(OpenAiReplies.FinishChunk()).Done());
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = 32 * 1024 };
        await LeavingClient.ConnectAsync(socket, stage);
        await LeavingClient.SendAsync(socket, stage, ProductionStage.Body(isStreaming: true));
        var provider = await stage.First.WaitForRequestAsync();
        await StandsStillAsync(provider);

        // The provider is blocked now for longer than its limit, by the client alone.
        await StandsStillAsync(provider, TimeSpan.FromSeconds(1.2));
        var body = await LeavingClient.ReadToDoneAsync(socket);

        Assert.DoesNotContain("upstream_stream_error", body, StringComparison.Ordinal);
        Assert.EndsWith("data: [DONE]\n\n", LeavingClient.Dechunked(body), StringComparison.Ordinal);
        Assert.Equal(Words + 2, provider.Tally.EventsSent);
    }

    /// <summary>Waits until the provider has not been able to write for a while.</summary>
    private static async Task StandsStillAsync(RecordedRequest request, TimeSpan? how = null)
    {
        var (bytes, since) = (-1L, Stopwatch.GetTimestamp());
        await Eventually.TrueAsync(
            () =>
            {
                if (request.Tally.BytesSent != bytes)
                {
                    (bytes, since) = (request.Tally.BytesSent, Stopwatch.GetTimestamp());
                }

                return bytes > 0 && Stopwatch.GetElapsedTime(since) > (how ?? TimeSpan.FromMilliseconds(150));
            },
            "the provider to be blocked");
    }
}
