using System.Diagnostics;
using System.Globalization;
using System.Text;
using LlmGateway.FunctionalTests.Infrastructure;

namespace LlmGateway.FunctionalTests;

/// <summary>The gateway gets no processor for longer than its providers have to answer (M10): what they sent meanwhile counts, and none is left out for it.</summary>
[Collection(nameof(AloneCollection))]
public sealed class StandstillTests(ITestOutputHelper output)
{
    private const int Targets = 3;

    /// <summary>Of each kind at each target: more than the failures in a row that open a circuit.</summary>
    private const int Calls = 8;

    private static readonly TimeSpan Standstill = TimeSpan.FromSeconds(8);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>The providers answer while the gateway stands still: every answer is there when it goes on.</summary>
    [Fact]
    public async Task What_came_while_it_stood_still_is_answered()
    {
        await using var stage = await StageAsync();

        var calls = await stage.HangAsync();
        await stage.StandStillAsync(answer: true);

        var answers = await Task.WhenAll(calls);
        await AssertHealthyAsync(stage);
        output.WriteLine(FormattableString.Invariant($"M10: {answers.Count(IsWhole)} of {answers.Length} calls to {Targets} targets answered after a standstill of {stage.Stood.TotalSeconds:0.0} s at a time-out of 4 s"));
        Assert.All(answers, answer => Assert.True(IsWhole(answer), answer));
    }

    /// <summary>They answer nothing: time runs out for the calls, but nobody knows whether the providers would not have answered in time.</summary>
    [Fact]
    public async Task Calls_that_it_gave_no_time_open_no_circuit()
    {
        await using var stage = await StageAsync();

        var calls = await stage.HangAsync();
        await stage.StandStillAsync(answer: false);

        var answers = await Task.WhenAll(calls);
        var timeouts = (await stage.Gateway.MetricsAsync()).Sum("llm_gateway_attempts_total", ("outcome", "timeout"));
        await AssertHealthyAsync(stage);
        Assert.Equal(answers.Length / 2, answers.Count(answer => answer.Contains("upstream_stream_error", StringComparison.Ordinal)));
        Assert.Equal(answers.Length, timeouts);

        // A silence that it was awake for is charged as ever.
        answers = await Task.WhenAll(await stage.HangAsync());
        Assert.DoesNotContain(answers, IsWhole);
        Assert.Equal(Targets, (await stage.CircuitsAsync()).Count(state => state == 2));
    }

    private static async Task AssertHealthyAsync(Stage stage)
    {
        Assert.True(stage.Stood >= Standstill, stage.Stood.ToString());
        Assert.Equal(new double[Targets], await stage.CircuitsAsync());
        foreach (var target in Enumerable.Range(0, Targets))
        {
            Assert.True(IsWhole(await stage.AskAsync(target, "quick", isStreaming: false)));
        }
    }

    private static bool IsWhole(string answer) =>
        answer.StartsWith("200 ", StringComparison.Ordinal) && answer.Contains("Well met", StringComparison.Ordinal)
        && (!answer.Contains("data: ", StringComparison.Ordinal) || answer.EndsWith("data: [DONE]\n\n", StringComparison.Ordinal));

    private static async Task<Stage> StageAsync()
    {
        var stage = new Stage();
        await stage.StartAsync();
        return stage;
    }

    private sealed class Stage : IAsyncDisposable
    {
        private readonly GatewayFolder _folder = new();
        private readonly ScriptedProvider[] _providers;
        private Gate _gate = new();
        private GatewayProcess? _gateway;
        private int _hung;
        private volatile bool _isSilent;

        public Stage() => _providers = [.. Enumerable.Range(0, Targets).Select(_ => ScriptedProvider.OpenAi().AlwaysAnswers(_ => Script.Chosen(request =>
        {
            var isStreaming = request.Json().TryGetProperty("stream", out System.Text.Json.JsonElement _);
            if (!_isSilent || request.Json().ToString().Contains("quick", StringComparison.Ordinal))
            {
                return ProductionStage.Answer(isStreaming);
            }

            Interlocked.Increment(ref _hung);
            return isStreaming
                ? Script.Sse(OpenAiReplies.RoleChunk(), OpenAiReplies.ContentChunk("Well ")).WaitFor(_gate).Event(OpenAiReplies.ContentChunk("Well met")).Event(OpenAiReplies.FinishChunk()).Done()
                : new Script().WaitFor(_gate).Then(Script.Json(OpenAiReplies.Completion("Well met")));
        })))];

        public GatewayProcess Gateway => _gateway!;

        /// <summary>For how long it stood still, by this process's clock.</summary>
        public TimeSpan Stood { get; private set; }

        public async Task StartAsync()
        {
            var settings = new StringBuilder("providers:\n");
            for (var i = 0; i < Targets; i++)
            {
                settings.Append(CultureInfo.InvariantCulture, $"  p{i}: {{ type: internal, base_url: \"{_providers[i].BaseUrl}/v1\", models: [m], timeout: 4 }}\n");
            }

            _folder.Rewrite(GatewayFolder.Settings, settings.ToString());
            _gateway = GatewayProcess.Start(_folder, ["--urls", "http://127.0.0.1:0"], ("ENVIRONMENT", "production"), ("GATEWAY_AUTH", "none"),
                ("INTERNAL_LLM_BASE_URL", _providers[0].BaseUrl + "/v1"), ("INTERNAL_LLM_MODEL", "m"));
            await Gateway.WaitForStartAsync();
            foreach (var target in Enumerable.Range(0, Targets))
            {
                Assert.True(IsWhole(await AskAsync(target, "quick", isStreaming: false)));
                Assert.True(IsWhole(await AskAsync(target, "quick", isStreaming: true)));
            }
        }

        /// <summary>Calls at every target that all wait for their provider, half of them in the middle of a stream.</summary>
        public async Task<Task<string>[]> HangAsync()
        {
            _gate = new Gate();
            (_hung, _isSilent) = (0, true);
            Task<string>[] calls = [.. Enumerable.Range(0, Targets * Calls * 2).Select(i => AskAsync(i % Targets, "slow", isStreaming: i / Targets % 2 == 1))];
            await Eventually.TrueAsync(() => Volatile.Read(ref _hung) >= calls.Length, "all calls to be with their providers");
            return calls;
        }

        /// <summary>Stops the process, has the providers answer or not, and lets it go on.</summary>
        public async Task StandStillAsync(bool answer)
        {
            Gateway.Signal(GatewayProcess.SigStop);
            var start = Stopwatch.GetTimestamp();
            await Eventually.TrueAsync(() => ProcessMemory.IsStopped(Gateway.Id), "the process to stand still");

            // Whoever is asked anew afterwards answers.
            _isSilent = false;
            if (answer)
            {
                _gate.Release();
            }

            using (var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(50)))
            {
                while (Stopwatch.GetElapsedTime(start) < Standstill)
                {
                    await timer.WaitForNextTickAsync(Cancellation);
                }
            }

            Assert.True(ProcessMemory.IsStopped(Gateway.Id));
            Stood = Stopwatch.GetElapsedTime(start);
            Gateway.Signal(GatewayProcess.SigCont);
        }

        public async Task<string> AskAsync(int target, string text, bool isStreaming)
        {
            var more = isStreaming ? ",\"stream\":true" : "";
            using var content = new StringContent($$"""{"model":"p{{target}}/m"{{more}},"messages":[{"role":"user","content":"{{text}}"}]}""", Encoding.UTF8, "application/json");
            using var response = await Gateway.Client.PostAsync(new Uri("/v1/chat/completions", UriKind.Relative), content, Cancellation);
            return (int)response.StatusCode + " " + await response.Content.ReadAsStringAsync(Cancellation);
        }

        public async Task<double[]> CircuitsAsync()
        {
            var page = await Gateway.MetricsAsync();
            return [.. Enumerable.Range(0, Targets).Select(i => page.Value("llm_gateway_circuit_state", ("provider", $"p{i}")) ?? 0)];
        }

        public async ValueTask DisposeAsync()
        {
            _gate.Release();
            if (_gateway is not null)
            {
                await _gateway.DisposeAsync();
            }

            foreach (var provider in _providers)
            {
                await provider.DisposeAsync();
            }

            _folder.Dispose();
        }
    }
}
