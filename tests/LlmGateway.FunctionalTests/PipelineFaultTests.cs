using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using LlmGateway.FunctionalTests.Infrastructure;
using LlmGateway.Lifecycle;
using LlmGateway.Limits;
using LlmGateway.Model;
using LlmGateway.Resilience;
using Microsoft.Extensions.DependencyInjection;

namespace LlmGateway.FunctionalTests;

/// <summary>
/// A request fails, or its client leaves, at each point at which it waits for something, one point after the other until there is none left:
/// it is recorded once, what was set aside for it is given back once, and nothing of it stays behind.
/// </summary>
public sealed class PipelineFaultTests(ITestOutputHelper output)
{
    private const string Key = LimitedStage.Key;
    private const int MostPoints = 300;
    private const int MillionDollars = 1_000_000;

    private const string Backup = """{ "provider": "backup", "model_name": "backup-model" }""";

    private const string Agents = $$"""
        { "agents": {
            "plain": {}, "chain": { "fallbacks": [ {{Backup}} ] }, "hedged": { "hedge_after_ms": 20, "fallbacks": [ {{Backup}} ] },
            "calculating": { "tools": [ "calculator" ] }, "cached": { "cache_ttl": 60 } } }
        """;

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(15);

    private static readonly (string, string, string) Sum = ("call_1", "calculator", """{"expression":"2+2*3"}""");

    public static TheoryData<string, bool, FaultKind, int> Cases
    {
        get
        {
            var cases = new TheoryData<string, bool, FaultKind, int>();
            foreach (var kind in Enum.GetValues<FaultKind>())
            {
                cases.Add("plain", false, kind, 18);
                cases.Add("plain", true, kind, 30);
                cases.Add("chain", false, kind, 25);
                cases.Add("chain", true, kind, 30);
                cases.Add("hedged", true, kind, 30);
                cases.Add("calculating", false, kind, 28);
                cases.Add("calculating", true, kind, 40);
                cases.Add("session", false, kind, 18);
                cases.Add("session", true, kind, 30);
                cases.Add("cached", false, kind, 18);
            }

            return cases;
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task Wherever_a_request_fails_or_its_client_leaves_nothing_stays_behind(string what, bool isStreaming, FaultKind kind, int leastPoints)
    {
        await using var stage = await Stage.StartAsync();
        (await stage.AskAsync("warm-up", "plain", isStreaming)).AssertAnswered("Well met");
        FaultPlan plan;
        var (number, statuses) = (0, new Dictionary<string, int>(StringComparer.Ordinal));
        do
        {
            Assert.True(++number <= MostPoints);
            plan = stage.Plan($"{what}-{number}", new FaultPlan(number, kind));
            var result = what == "cached" ? await stage.AskTwiceAsync(number) : await stage.TryAskAsync($"{what}-{number}", what, isStreaming);
            statuses[result] = statuses.GetValueOrDefault(result) + 1;
            await stage.AssertNothingStaysAsync(plan);
        }
        while (plan.Fired is not null);

        var points = number - 1;
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{(kind == FaultKind.Throw ? "G03" : "G04")}: {what}{(isStreaming ? ", streamed" : "")}: {kind} at each of {points} points ({plan.Points.Distinct().Count()} kinds); clients saw {string.Join(", ", statuses.OrderBy(pair => pair.Key, StringComparer.Ordinal).Select(pair => $"{pair.Value} × {pair.Key}"))}"));
        Assert.True(points >= leastPoints, $"only {points} points: {string.Join(", ", plan.Points)}");
        Assert.True(statuses.GetValueOrDefault("whole") > 0);
        (await stage.AskAsync("last", "plain", isStreaming)).AssertAnswered("Well met");
        await stage.AssertRecordsAsync();
    }

    /// <summary>What was spent before is looked up for the first request of all.</summary>
    [Theory]
    [InlineData(FaultKind.Throw)]
    [InlineData(FaultKind.Cancel)]
    public async Task The_first_look_at_a_budget_may_fail_too(FaultKind kind)
    {
        for (var number = 1; number <= 2; number++)
        {
            await using var stage = await Stage.StartAsync();
            var plan = stage.Plan("first", new FaultPlan(number, kind));

            await stage.TryAskAsync("first", "plain", isStreaming: false);

            Assert.EndsWith("database", plan.Fired, StringComparison.Ordinal);
            await stage.AssertNothingStaysAsync(plan);
            (await stage.AskAsync("next", "plain", isStreaming: false)).AssertAnswered("Well met");
            await stage.AssertRecordsAsync();
        }
    }

    /// <summary>A gateway with two providers, a key with every limit, and points in all its parts.</summary>
    private sealed class Stage : IAsyncDisposable
    {
        private readonly ConcurrentDictionary<string, FaultPlan> _plans = new(StringComparer.Ordinal);
        private readonly ConcurrentDictionary<string, bool> _asked = new(StringComparer.Ordinal);
        private readonly ConcurrentQueue<Exception> _unobserved = new();
        private readonly HashSet<ProviderTarget> _targets = [];
        private readonly ScriptedProvider _first = ScriptedProvider.OpenAi();
        private readonly ScriptedProvider _second = ScriptedProvider.OpenAi();
        private readonly GatewayUnderTest _gateway = new();
        private Gate _gate = new();

        private Stage()
        {
            _first.AlwaysAnswers(_ => Script.Chosen(Answer));
            _second.AlwaysAnswers(_ => Script.Chosen(request => ProductionStage.Answer(IsStreaming(request))));
            TaskScheduler.UnobservedTaskException += Note;
        }

        public static async Task<Stage> StartAsync()
        {
            var stage = new Stage();
            await stage._gateway.InProduction(stage._first).WithoutVariable("OLLAMA_BASE_URL").AllowsUnhandledExceptions()
                .WithKeys(LimitedStage.Keys(LimitedStage.KeyEntry($"\"rpm\": 100000, \"tpm\": 100000000, \"max_concurrency\": 100, \"budget_usd\": {MillionDollars}")))
                .WithSettings($$"""
                    llm: { timeout: 10, circuit: { failures: 1000, break_seconds: 1 } }
                    providers:
                      internal:
                        models: { internal-model: { input_cost_per_1m: 1, output_cost_per_1m: 10 } }
                      backup: { type: openai, base_url: "{{stage._second.BaseUrl}}", api_key: k, models: { backup-model: { input_cost_per_1m: 1, output_cost_per_1m: 10 } } }
                    """)
                .WithAgents(Agents)
                .WithServices(services => FaultyParts.Add(services, id => stage._plans.GetValueOrDefault(id)))
                .StartAsync();
            return stage;
        }

        public FaultPlan Plan(string id, FaultPlan plan) => _plans[id] = plan;

        public async Task<ChatAnswer> AskAsync(string id, string what, bool isStreaming)
        {
            using var response = await OpenAsync(id, what, isStreaming);
            return await ChatAnswer.ReadAsync(response);
        }

        /// <summary>What the client got: a whole answer, an error of a status, or a connection that broke off.</summary>
        public async Task<string> TryAskAsync(string id, string what, bool isStreaming)
        {
            try
            {
                using var response = await OpenAsync(id, what, isStreaming).WaitAsync(Limit);
                if (response.StatusCode == HttpStatusCode.InternalServerError)
                {
                    Assert.Equal("internal_error", (await OpenAiError.ReadAsync(response)).Code);
                    return "500";
                }

                var answer = await ChatAnswer.ReadAsync(response).WaitAsync(Limit);
                if (answer.Status != 200)
                {
                    return answer.Status.ToString(CultureInfo.InvariantCulture);
                }

                Assert.False(answer.IsStream && !answer.IsDone && answer.Events.Count > 0 && !answer.Events[^1].Data.Contains("\"error\"", StringComparison.Ordinal), "a cut stream looks complete: " + answer.Body);
                return answer.IsStream && !answer.IsDone ? "error event" : "whole";
            }
            catch (Exception gone) when (gone is HttpRequestException or IOException)
            {
                return "broken off";
            }
        }

        /// <summary>One request whose points count, and another of the same words that waits for its answer; the other gets one whatever happens.</summary>
        public async Task<string> AskTwiceAsync(int number)
        {
            _gate = new Gate();
            var asking = TryAskAsync($"cached-{number}", "cached", isStreaming: false, text: $"question {number}");
            await Task.WhenAny(asking, _gate.Reached);
            var following = AskAsync($"follower-{number}", "cached", isStreaming: false, text: $"question {number}");
            var gate = _gateway.Services.GetRequiredService<RequestGate>();
            await Eventually.TrueAsync(() => asking.IsCompleted || following.IsCompleted || gate.Running >= 2, "the follower to come");
            _gate.Release();
            (await following.WaitAsync(Limit)).AssertAnswered("Well met");
            return await asking;
        }

        public async Task AssertNothingStaysAsync(FaultPlan plan)
        {
            var services = _gateway.Services;
            foreach (var hold in plan.Holds)
            {
                _targets.Add(hold.Target);
            }

            var at = $"after the fault at {plan.Fired}";
            var gate = services.GetRequiredService<RequestGate>();
            await Eventually.TrueAsync(() => gate.Running == 0, "the request to leave " + at, Limit);
            await Eventually.TrueAsync(() => services.GetRequiredService<RateLimiter>().RunningOf("limited") == 0, "its key's place to come back " + at, Limit);
            var states = services.GetRequiredService<TargetStates>();
            await Eventually.TrueAsync(() => _targets.All(target => states.Of(target).Running == 0), "its targets' places to come back " + at, Limit);
            await Eventually.TrueAsync(() => Account.SetAside == 0, "nothing to be set aside " + at, Limit);
            Assert.All(plan.Holds, hold => Assert.Equal(1, hold.Ends));
        }

        public async Task AssertRecordsAsync()
        {
            var rows = (await _gateway.Ledger.WaitForRequestsAsync(_asked.Count)).ToDictionary(row => (string)row["request_id"]!, StringComparer.Ordinal);
            Assert.Equal(_asked.Keys.Order(StringComparer.Ordinal), rows.Keys.Order(StringComparer.Ordinal));
            foreach (var (id, plan) in _plans)
            {
                var attempts = _gateway.Ledger.Attempts(rows[id]);
                Assert.True(attempts.Count == plan.Holds.Count, $"{id}, fault at {plan.Fired}: {attempts.Count} attempts recorded, {plan.Holds.Count} made");
                Assert.Equal(attempts.Sum(attempt => (long)attempt["cost_micro_usd"]!), rows[id]["cost_micro_usd"]);
            }

            Assert.Equal(rows.Values.Sum(row => (long)row["cost_micro_usd"]!), Account.Look(long.MaxValue).Spent);
            var page = await _gateway.WaitForMetricsAsync(page => page.Sum("llm_gateway_requests_in_flight", ("endpoint", ProductionStage.Path)) == 0, "no request to be left in flight");
            Assert.Equal(0, page.Sum("llm_gateway_usage_records_total", ("result", "lost")));
            GC.Collect();
            GC.WaitForPendingFinalizers();
            Assert.Empty(_unobserved);
        }

        public async ValueTask DisposeAsync()
        {
            TaskScheduler.UnobservedTaskException -= Note;
            await _gateway.DisposeAsync();
            await _first.DisposeAsync();
            await _second.DisposeAsync();
        }

        private BudgetAccount Account => _gateway.Services.GetRequiredService<BudgetPlaces>().Of(
            new ClientKey { Name = "limited", Sha256 = [], BudgetUsd = MillionDollars }, TimeProvider.System.GetUtcNow()).Account;

        private static bool IsStreaming(RecordedRequest request) => request.Json().TryGetProperty("stream", out var stream) && stream.GetBoolean();

        private Task<string> TryAskAsync(string id, string what, bool isStreaming, string text) => TryAskAsync($"{id}\n{text}", what, isStreaming);

        private Task<ChatAnswer> AskAsync(string id, string what, bool isStreaming, string text) => AskAsync($"{id}\n{text}", what, isStreaming);

        private Task<HttpResponseMessage> OpenAsync(string idWithText, string what, bool isStreaming)
        {
            var (id, text) = idWithText.Split('\n') is [var first, var second] ? (first, second) : (idWithText, what);
            _asked[id] = true;

            // A connection of its own: a fault behind the answer's last byte breaks it off when the next request might have it already.
            return _gateway.OpenStreamAsync(
                ProductionStage.Path, ProductionStage.Body(isStreaming, text, ",\"max_tokens\":50"), ("Authorization", "Bearer " + Key), ("X-Request-Id", id), ("Connection", "close"),
                what == "session" ? ("X-Session-Id", "one") : ("X-Agent-Profile", what));
        }

        private Script Answer(RecordedRequest request)
        {
            var (json, isStreaming) = (request.Json(), IsStreaming(request));
            var messages = json.GetProperty("messages").EnumerateArray().ToList();
            return messages[^1].GetProperty("content").GetString() switch
            {
                "chain" => Script.Json(OpenAiReplies.Error("It is too long", "invalid_request_error", "context_length_exceeded"), 400),
                "hedged" => Script.NeverAnswer(),
                "calculating" => ToolLoopTests.Calls(isStreaming, null, Sum),
                { } text when text.StartsWith("question", StringComparison.Ordinal) => Script.Raw("").WaitFor(_gate).Then(ProductionStage.Answer(isStreaming)),
                _ => ProductionStage.Answer(isStreaming),
            };
        }

        private void Note(object? sender, UnobservedTaskExceptionEventArgs unobserved)
        {
            if (unobserved.Exception.Flatten().InnerExceptions.Any(one => one is InjectedFaultException))
            {
                _unobserved.Enqueue(unobserved.Exception);
            }
        }
    }
}
