using System.Diagnostics;
using System.Globalization;
using LlmGateway.FunctionalTests.Infrastructure;
using LlmGateway.Resilience;
using Microsoft.Extensions.DependencyInjection;

namespace LlmGateway.FunctionalTests;

/// <summary>A target that fails is left alone for a while, asked once whether it is back, and nobody pays for it in between (E04, E08, E23).</summary>
public sealed class CircuitTests
{
    private const string Quick = "circuit: { failures: 3, break_seconds: 0.5 }";
    private const string Long = "circuit: { failures: 3, break_seconds: 60 }";

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Failures_in_a_row_open_it_and_one_probe_closes_it(bool isStreaming)
    {
        await using var stage = await AloneAsync(Quick);
        stage.First.Answers(Fail(), Fail(), Fail());
        for (var i = 0; i < 3; i++)
        {
            (await stage.AskAsync(isStreaming)).AssertError(502, "all_providers_failed");
        }

        var refused = await stage.AskAsync(isStreaming);

        refused.AssertError(503, "no_healthy_upstream");
        Assert.Equal(("1", "0", "circuit_open", null), (refused.Header("retry-after"), refused.Header("x-llm-attempts"), refused.Header("x-llm-fallback-reason"), refused.Header("x-should-retry")));
        Assert.Contains("too many failures", refused.ErrorMessage, StringComparison.Ordinal);
        Assert.Equal(3, stage.First.Requests.Count);
        Assert.Equal(2, await CircuitAsync(stage));
        await stage.Gateway.Log.WaitForAsync(IsOpening, "the opening to be logged");
        Assert.Single(stage.Gateway.Log.Lines, IsOpening);

        // One probe at a time: while it is under way, the others are still refused.
        var gate = new Gate();
        stage.First.Answers(new Script().WaitFor(gate).Head(500, "application/json", BodyFraming.Length, ("content-length", "2")).Text("{}"));
        await ProbedAsync(stage, isStreaming, async () =>
        {
            await gate.Reached;
            Assert.Equal(1, await CircuitAsync(stage));
            (await stage.AskAsync(isStreaming)).AssertError(503, "no_healthy_upstream");
            gate.Release();
        });
        Assert.Equal(2, await CircuitAsync(stage));

        stage.First.Answers(ProductionStage.Answer(isStreaming));
        await AnsweredAsync(stage, isStreaming);
        Assert.Equal(0, await CircuitAsync(stage));
        Assert.Equal(5, stage.First.Requests.Count);
        await stage.Gateway.Log.WaitForAsync(line => line.Message.EndsWith("closed", StringComparison.Ordinal), "the closing to be logged");
    }

    [Fact]
    public async Task While_it_is_open_the_next_target_answers_at_once()
    {
        await using var stage = await ProductionStage.StartAsync(configure: stage => stage.Gateway.WithSettings(ProductionStage.Settings(stage.Second.BaseUrl, llm: Long)));
        stage.First.Answers(Fail(), Fail(), Fail());
        stage.Second.AlwaysAnswers(_ => ProductionStage.Answer(isStreaming: false));
        for (var i = 0; i < 6; i++)
        {
            var answer = await stage.AskAsync(isStreaming: false);
            answer.AssertAnswered("Well met");
            Assert.Equal(i < 3 ? ("server_error", "2") : ("circuit_open", "1"), (answer.Header("x-llm-fallback-reason"), answer.Header("x-llm-attempts")));
        }

        Assert.Equal(3, stage.First.Requests.Count);
    }

    [Fact]
    public async Task Streams_that_are_cut_count()
    {
        await using var stage = await AloneAsync(Long);
        stage.First.Answers(Cut(), Cut(), Cut());
        for (var i = 0; i < 3; i++)
        {
            (await stage.AskAsync(isStreaming: true)).AssertBroken("Hello");
        }

        (await stage.AskAsync(isStreaming: true)).AssertError(503, "no_healthy_upstream");

        static Script Cut() => Script.Sse(OpenAiReplies.RoleChunk(), OpenAiReplies.ContentChunk("Hello")).Reset();
    }

    // M10: a process that gets next to no time to run in cannot tell whether its provider would not have let it in.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Connections_that_take_too_long_count_unless_the_gateway_had_no_time(bool isStarved)
    {
        await using var stage = await ProductionStage.StartAloneAsync(configure: stage =>
        {
            stage.Gateway.WithSettings(ProductionStage.Settings(stage.Second.BaseUrl, llm: Long)).WithServices(services =>
            {
                services.AddSingleton<Func<HttpMessageHandler>>(() =>
                {
                    var handler = ProviderConnections.CreateHandler();
                    handler.ConnectCallback = async (_, cancellation) => throw await NeverAsync(cancellation);
                    handler.ConnectTimeout = TimeSpan.FromSeconds(0.5);
                    return handler;
                });
                if (isStarved)
                {
                    // Its next beat is due in hours.
                    services.AddSingleton(new ProcessPulse(new SpeededTime(1e-6)));
                }
            });
        });

        for (var i = 0; i < 3; i++)
        {
            (await stage.AskAsync(isStreaming: i == 1)).AssertError(502, "all_providers_failed");
        }

        Assert.Equal(isStarved ? 0 : 2, await CircuitAsync(stage));
        Assert.Equal(3, (await stage.Gateway.MetricsAsync()).Sum("llm_gateway_attempts_total", ("outcome", "connection")));

        static async Task<Exception> NeverAsync(CancellationToken cancellation)
        {
            await new TaskCompletionSource().Task.WaitAsync(cancellation);
            return new InvalidOperationException("That never ends.");
        }
    }

    [Theory]
    [InlineData(400)]
    [InlineData(404)]
    [InlineData(422)]
    public async Task The_clients_own_fault_never_opens_it(int status)
    {
        await using var stage = await AloneAsync(Long);
        stage.First.AlwaysAnswers(_ => Script.Json(OpenAiReplies.Error("no", "invalid_request_error"), status));

        for (var i = 0; i < 8; i++)
        {
            Assert.Equal(status, (await stage.AskAsync(isStreaming: false)).Status);
        }

        Assert.Equal(8, stage.First.Requests.Count);
        Assert.Equal(0, await CircuitAsync(stage));
    }

    // A prompt can provoke an answer that is no JSON: nobody can close a target to others with it.
    [Fact]
    public async Task Answers_in_the_wrong_form_never_open_it()
    {
        await using var stage = await AloneAsync(Long);
        stage.First.AlwaysAnswers(_ => ProductionStage.Answer(isStreaming: false, "no JSON"));

        for (var i = 0; i < 5; i++)
        {
            (await stage.AskAsync(ProductionStage.Body(false, more: ",\"response_format\":{\"type\":\"json_object\"}"))).AssertError(502, "all_providers_failed");
        }

        Assert.Equal(0, await CircuitAsync(stage));
        Assert.Equal(5, stage.First.Requests.Count);
    }

    // E04: with one agent's key refused, the other agents' calls to the same model go on.
    [Fact]
    public async Task A_refused_key_is_not_tried_again_and_other_keys_go_on()
    {
        await using var stage = await ProductionStage.StartAsync(
            ProductionStage.Agents(fallback: "", agents:
                """ "bad": { "provider": "backup", "model_name": "backup-model", "api_key_env": "BAD_KEY" }, "good": { "provider": "backup", "model_name": "backup-model" }"""),
            stage => stage.Gateway.WithVariable("BAD_KEY", "sk-bad-one").WithSettings(ProductionStage.Settings(stage.Second.BaseUrl, llm: Long)));
        stage.Second.AlwaysAnswers(request => request.Header("authorization") == "Bearer sk-bad-one"
            ? Script.Json(OpenAiReplies.Error("Incorrect API key provided: sk-bad-one", code: "invalid_api_key"), 401)
            : ProductionStage.Answer(isStreaming: false));

        var refused = await stage.AskAsync(ProductionStage.Body(false), ("X-Agent-Profile", "bad"));
        var again = await stage.AskAsync(ProductionStage.Body(false), ("X-Agent-Profile", "bad"));
        var good = await stage.AskAsync(ProductionStage.Body(false), ("X-Agent-Profile", "good"));

        refused.AssertError(502, "all_providers_failed");
        again.AssertError(503, "no_healthy_upstream");
        good.AssertAnswered("Well met");
        Assert.Equal(2, stage.Second.Requests.Count);
        Assert.DoesNotContain("sk-bad", refused.Everything + again.Everything, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Names_that_no_file_lists_share_one_state()
    {
        await using var stage = await AloneAsync(Long);
        stage.Second.Answers(Fail(), Fail(), Fail());
        for (var i = 0; i < 3; i++)
        {
            (await stage.AskAsync(ProductionStage.Body(false, model: string.Create(CultureInfo.InvariantCulture, $"backup/made-up-{i}")))).AssertError(502, "all_providers_failed");
        }

        (await stage.AskAsync(ProductionStage.Body(false, model: "backup/made-up-9"))).AssertError(503, "no_healthy_upstream");

        var page = await stage.Gateway.MetricsAsync();
        Assert.Equal(2, page.Value("llm_gateway_circuit_state", ("provider", "backup"), ("model", "other")));
        Assert.DoesNotContain("made-up", page.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task It_survives_a_reload_and_ends_with_another_address()
    {
        await using var stage = await AloneAsync(Long);
        stage.Second.Answers(Fail(), Fail(), Fail());
        var body = ProductionStage.Body(false, model: "backup/backup-model");
        for (var i = 0; i < 3; i++)
        {
            (await stage.AskAsync(body)).AssertError(502, "all_providers_failed");
        }

        await ReloadAsync(stage, ProductionStage.Settings(stage.Second.BaseUrl, llm: Long + ", timeout: 7"), 1);
        (await stage.AskAsync(body)).AssertError(503, "no_healthy_upstream");

        await ReloadAsync(stage, ProductionStage.Settings(stage.Second.BaseUrl.Replace("127.0.0.1", "localhost", StringComparison.Ordinal), llm: Long), 2);
        stage.Second.Answers(ProductionStage.Answer(isStreaming: false));
        (await stage.AskAsync(body)).AssertAnswered("Well met");
    }

    [Fact]
    public async Task With_every_circuit_open_the_refusal_takes_no_time()
    {
        await using var stage = await AloneAsync(Long);
        stage.First.Answers(Fail(), Fail(), Fail());
        for (var i = 0; i < 3; i++)
        {
            await stage.AskAsync(isStreaming: false);
        }

        var times = new List<double>();
        for (var i = 0; i < 100; i++)
        {
            var start = Stopwatch.GetTimestamp();
            using var response = await stage.OpenAsync(ProductionStage.Body(false));
            times.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            Assert.Equal(503, (int)response.StatusCode);
            Assert.InRange(int.Parse(response.Headers.GetValues("retry-after").Single(), CultureInfo.InvariantCulture), 50, 60);
        }

        times.Sort();
        TestContext.Current.TestOutputHelper?.WriteLine($"503 with all circuits open: median {times[50]:0.00} ms, p90 {times[90]:0.00} ms");
        Assert.InRange(times[50], 0, 5);
    }

    private static bool IsOpening(LogLine line) => line.Message.StartsWith("Circuit of internal/internal-model opened", StringComparison.Ordinal);

    private static Script Fail() => Script.Json("{}", 500);

    private static Task<ProductionStage> AloneAsync(string llm) =>
        ProductionStage.StartAloneAsync(configure: stage => stage.Gateway.WithSettings(ProductionStage.Settings(stage.Second.BaseUrl, llm: llm)));

    private static async Task<double?> CircuitAsync(ProductionStage stage) =>
        (await stage.Gateway.MetricsAsync()).Value("llm_gateway_circuit_state", ("provider", "internal"), ("model", "internal-model"));

    /// <summary>Asks until the break is over and a probe is made, and does something while that one is under way.</summary>
    private static async Task ProbedAsync(ProductionStage stage, bool isStreaming, Func<Task> meanwhile)
    {
        var requests = stage.First.Requests.Count;
        await Eventually.AnswersAsync<bool>(
            async () =>
            {
                var asking = stage.AskAsync(isStreaming);
                await Task.WhenAny(asking, stage.First.WaitForRequestAsync(requests + 1));
                if (stage.First.Requests.Count == requests)
                {
                    (await asking).AssertError(503, "no_healthy_upstream");
                    return null;
                }

                await meanwhile();
                (await asking).AssertError(502, "all_providers_failed");
                return true;
            },
            "a probe");
    }

    private static async Task AnsweredAsync(ProductionStage stage, bool isStreaming) =>
        await Eventually.AnswersAsync<bool>(async () => (await stage.AskAsync(isStreaming)).Status == 200 ? true : null, "the circuit to close");

    private static async Task ReloadAsync(ProductionStage stage, string settings, int count)
    {
        stage.Gateway.Folder.Rewrite(GatewayFolder.Settings, settings);
        await stage.Gateway.WaitForMetricsAsync(page => page.Sum("llm_gateway_config_reloads_total", ("file", "llm_settings")) >= count, "the reload");
    }
}
