using System.Net;
using LlmGateway.FunctionalTests.Infrastructure;
using LlmGateway.Limits;
using LlmGateway.Model;
using Microsoft.Extensions.DependencyInjection;

namespace LlmGateway.FunctionalTests;

/// <summary>Budgets of client keys, kept by one instance.</summary>
public sealed class BudgetTests(ITestOutputHelper output)
{
    private const string TenDollars = "\"budget_usd\": 10, \"budget_period\": \"month\"";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_budget_of_ten_calls_takes_ten_of_two_hundred_at_once()
    {
        await using var stage = await LimitedStage.StartAsync(TenDollars);
        var gate = new Gate();
        stage.Provider.AlwaysAnswers(_ => LimitTests.SlowStream(gate));
        var codes = new HashSet<string>();
        var asking = Enumerable.Range(0, 200).Select(async _ =>
        {
            using var answer = await stage.AskAsync(isStreaming: true);
            var code = answer.IsSuccessStatusCode ? null : (await OpenAiError.ReadAsync(answer)).Code;
            if (code is not null)
            {
                lock (codes)
                {
                    codes.Add(code);
                }
            }

            await answer.Content.ReadAsByteArrayAsync(Cancellation);
            return answer.StatusCode;
        }).ToList();
        await Eventually.TrueAsync(() => asking.Count(task => task.IsCompleted) == 190, "190 refusals");
        gate.Release();
        var statuses = await Task.WhenAll(asking);

        Assert.Equal(10, statuses.Count(status => status == HttpStatusCode.OK));
        Assert.Equal(190, statuses.Count(status => status == HttpStatusCode.TooManyRequests));
        Assert.Equal(["insufficient_quota"], codes);
        Assert.Equal(10, stage.Provider.Requests.Count);
        output.WriteLine($"Q8, one instance: {stage.Provider.Requests.Count} of 200 admitted by a budget of 10, overshoot {stage.Provider.Requests.Count - 10}");
    }

    [Fact]
    public async Task An_exhausted_budget_refuses_until_the_period_ends_and_says_when()
    {
        await using var stage = await LimitedStage.StartAsync("\"budget_usd\": 1, \"budget_period\": \"day\"");
        using (var spent = await stage.AskAsync())
        {
            await spent.Content.ReadAsByteArrayAsync(Cancellation);
        }

        await Eventually.AnswersAsync<bool>(
            async () =>
            {
                using var answer = await stage.AskAsync();
                var error = await OpenAiError.ReadAsync(answer);
                Assert.Equal((429, "rate_limit_error", "insufficient_quota"), (error.Status, error.Type, error.Code));
                var wait = int.Parse(answer.Headers.GetValues("retry-after").Single(), System.Globalization.CultureInfo.InvariantCulture);

                // A second while the call's cost is only set aside, then the rest of the day.
                return wait == 1 ? null : Math.Abs(wait - (TimeSpan.FromDays(1) - TimeProvider.System.GetUtcNow().TimeOfDay).TotalSeconds) < 5;
            },
            "the cost to be settled");
        Assert.True((await stage.Gateway.MetricsAsync()).Value("llm_gateway_rate_limited_total", ("limit", "budget")) >= 1);
    }

    [Fact]
    public async Task A_budget_that_is_never_filled_up_gives_no_hope_of_soon()
    {
        await using var stage = await LimitedStage.StartAsync("\"budget_usd\": 0");

        using var refused = await stage.AskAsync();

        Assert.Equal("insufficient_quota", (await OpenAiError.ReadAsync(refused)).Code);
        Assert.Equal("3600", refused.Headers.GetValues("retry-after").Single());
        Assert.Empty(stage.Provider.Requests);
    }

    /// <summary>A provider may report more than anybody could tell before the call: that is charged, and nothing more is let in.</summary>
    [Fact]
    public async Task Calls_that_use_more_than_was_set_aside_overspend_by_no_more_than_that()
    {
        const int Fitting = 10, Used = 3;
        await using var stage = await LimitedStage.StartAsync(TenDollars);
        stage.Provider.AlwaysAnswers(_ => Script.Json(LimitedStage.Answer(Used)));

        var statuses = await stage.AskAtOnceAsync(100);
        var rows = await stage.Gateway.Ledger.WaitForRequestsAsync(statuses.Count);
        using var after = await stage.AskAsync();
        var spent = rows.Sum(row => (long)row["cost_micro_usd"]!);
        var answered = statuses.Count(status => status == HttpStatusCode.OK);

        Assert.InRange(answered, 1, Fitting);
        Assert.Equal(answered * Used * 1_000_000L, spent);
        Assert.InRange(spent, 8_000_001, 10_000_000 + (answered * (Used - 1) * 1_000_000L));
        Assert.Equal("insufficient_quota", (await OpenAiError.ReadAsync(after)).Code);
        Assert.Equal(answered, stage.Provider.Requests.Count);
    }

    /// <summary>All that the model reads is paid for: tools, the form of the answer and the agent's own prompt no less than messages.</summary>
    [Theory]
    [InlineData("tools", "[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"description\":\"TEXT\"}}]", "")]
    [InlineData("functions", "[{\"name\":\"f\",\"description\":\"TEXT\"}]", "")]
    [InlineData("response_format", "{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"f\",\"schema\":{\"description\":\"TEXT\"}}}", "")]
    [InlineData("user", "\"me\"", "TEXT")]
    public async Task A_prompt_is_all_that_the_model_reads(string member, string value, string prompt)
    {
        var text = new string('x', 4000);
        await using var stage = await LimitedStage.StartAsync("\"budget_usd\": 0.9", gateway => gateway
            .WithSettings("""
                providers:
                  internal:
                    models: { internal-model: { input_cost_per_1m: 1000, output_cost_per_1m: 0 } }
                """)
            .WithAgents("""{"agents":{"writer":{"provider":"internal","model_name":"internal-model","system_prompt":"Write. PROMPT"}}}"""
                .Replace("PROMPT", prompt.Replace("TEXT", text, StringComparison.Ordinal), StringComparison.Ordinal)));

        stage.Provider.AlwaysAnswers(_ => Script.Json(OpenAiReplies.Completion("{}")));
        using var refused = await AskWithAsync(value.Replace("TEXT", text, StringComparison.Ordinal), prompt.Length > 0);
        using var taken = await AskWithAsync(value.Replace("TEXT", "short", StringComparison.Ordinal), isLong: false);

        Assert.Equal("insufficient_quota", (await OpenAiError.ReadAsync(refused)).Code);
        Assert.Equal(HttpStatusCode.OK, taken.StatusCode);
        Assert.Single(stage.Provider.Requests);

        Task<HttpResponseMessage> AskWithAsync(string json, bool isLong) => stage.Gateway.SendAsync(
            ProductionStage.Path,
            $$"""{"messages":[{"role":"user","content":"Hi"}],"max_tokens":1,"{{member}}":{{json}}}""",
            [("Authorization", "Bearer " + LimitedStage.Key), .. isLong ? [("X-Agent-Profile", "writer")] : Array.Empty<(string, string)>()]);
    }

    [Fact]
    public async Task Spending_is_remembered_over_a_restart()
    {
        await using var stage = await LimitedStage.StartAsync(TenDollars);
        stage.Provider.Answers(Script.Json(LimitedStage.Answer(4)), Script.Json(LimitedStage.Answer(3)));
        foreach (var tokens in (int[])[4, 3])
        {
            using var answer = await stage.AskAsync(tokens);
            await answer.Content.ReadAsByteArrayAsync(Cancellation);
        }

        await stage.Gateway.Ledger.WaitForRequestsAsync(2);
        await stage.Gateway.StopAsync();
        await stage.Gateway.StartAsync();

        using var tooMuch = await stage.AskAsync(4);
        using var fits = await stage.AskAsync(3);

        Assert.Equal("insufficient_quota", (await OpenAiError.ReadAsync(tooMuch)).Code);
        Assert.Equal(HttpStatusCode.OK, fits.StatusCode);
    }

    [Fact]
    public async Task What_is_passed_on_unread_counts_once_its_answer_has_named_the_model()
    {
        await using var stage = await LimitedStage.StartAsync("\"budget_usd\": 2, \"tpm\": 1000");
        stage.Provider.On("POST /v1/responses", Script.Json("""{"id":"r","model":"internal-model","usage":{"input_tokens":5,"output_tokens":2,"total_tokens":7}}"""));
        using (var passed = await stage.Gateway.SendAsync("/v1/responses", "{}", ("Authorization", "Bearer " + LimitedStage.Key)))
        {
            Assert.Equal(HttpStatusCode.OK, passed.StatusCode);
        }

        await Eventually.AnswersAsync<bool>(
            async () =>
            {
                using var answer = await stage.AskAsync();
                return answer.StatusCode == HttpStatusCode.TooManyRequests ? true : null;
            },
            "the budget to be spent");
    }

    [Fact]
    public async Task After_successes_errors_and_clients_that_leave_nothing_is_set_aside_and_the_ledger_agrees()
    {
        const int Count = 400;
        await using var stage = await LimitedStage.StartAsync("\"budget_usd\": 1000000, \"tpm\": 100000000, \"max_concurrency\": 1000");
        var number = 0;
        stage.Provider.AlwaysAnswers(_ => (Interlocked.Increment(ref number) % 4) switch
        {
            0 => Script.Json(OpenAiReplies.Error("no"), 500),
            1 => Script.Sse(OpenAiReplies.RoleChunk(), OpenAiReplies.ContentChunk("Hello")).Stall(),
            2 => Script.Sse(OpenAiReplies.RoleChunk(), OpenAiReplies.ContentChunk("Hi")).Event(OpenAiReplies.FinishChunk()).Event(OpenAiReplies.UsageChunk(1, 3)).Done(),
            _ => Script.Json(LimitedStage.Answer(5)),
        });

        await Parallel.ForEachAsync(Enumerable.Range(0, Count), new ParallelOptions { MaxDegreeOfParallelism = 32 }, async (_, _) =>
        {
            using var answer = await stage.AskAsync(maxTokens: 7, isStreaming: true);
            var stream = await answer.Content.ReadAsStreamAsync(CancellationToken.None);
            var buffer = new byte[4096];
            var text = "";
            while (!text.Contains("Hello", StringComparison.Ordinal) && await stream.ReadAsync(buffer, CancellationToken.None) is > 0 and var read)
            {
                // Those whose stream stalls leave it.
                text += System.Text.Encoding.UTF8.GetString(buffer, 0, read);
            }
        });
        var key = new ClientKey { Name = "limited", Sha256 = [], BudgetUsd = 1_000_000 };
        var account = stage.Gateway.Services.GetRequiredService<BudgetPlaces>().Of(key, TimeProvider.System.GetUtcNow()).Account;

        await stage.Gateway.WaitForMetricsAsync(page => page.Sum("llm_gateway_requests_in_flight", ("endpoint", ProductionStage.Path)) == 0, "no request to be left in flight");
        await Eventually.TrueAsync(() => account.SetAside == 0, "nothing to be set aside", TimeSpan.FromSeconds(2));
        var rows = await stage.Gateway.Ledger.WaitForRequestsAsync(Count);
        var recorded = rows.Sum(row => (long)row["cost_micro_usd"]!);
        var enforced = account.Look(long.MaxValue).Spent;
        Assert.True(recorded > 0);
        Assert.Equal(recorded, enforced);
        await Eventually.TrueAsync(() => stage.Gateway.Services.GetRequiredService<RateLimiter>().RunningOf("limited") == 0, "all places to come back");
        output.WriteLine($"Q9: {Count} requests with errors, cuts and cancellations: set aside {account.SetAside}, enforced {enforced} = recorded {recorded} micro-dollars");
    }

    [Fact]
    public async Task A_request_belongs_to_the_period_in_which_it_came()
    {
        var clock = new ShiftedTime();
        clock.MoveTo(new DateTimeOffset(2031, 3, 31, 23, 59, 50, TimeSpan.Zero));
        await using var stage = await LimitedStage.StartAsync("\"budget_usd\": 2, \"budget_period\": \"month\"", configure: gateway => gateway.WithServices(services => services.AddSingleton<TimeProvider>(clock)));
        var gate = new Gate();
        stage.Provider.Answers(LimitTests.SlowStream(gate, outputTokens: 2));
        using var running = await stage.AskAsync(maxTokens: 2, isStreaming: true);
        using (var refused = await stage.AskAsync())
        {
            Assert.Equal("insufficient_quota", (await OpenAiError.ReadAsync(refused)).Code);
        }

        clock.MoveTo(new DateTimeOffset(2031, 4, 1, 0, 0, 1, TimeSpan.Zero));
        using (var fresh = await stage.AskAsync(maxTokens: 2))
        {
            Assert.Equal(HttpStatusCode.OK, fresh.StatusCode);
            await fresh.Content.ReadAsByteArrayAsync(Cancellation);
        }

        // The stream of March ends in April, and April's budget is what it was: one dollar of the fresh call is left.
        gate.Release();
        await running.Content.ReadAsByteArrayAsync(Cancellation);
        await Eventually.AnswersAsync<bool>(
            async () =>
            {
                using var last = await stage.AskAsync();
                return last.IsSuccessStatusCode ? true : null;
            },
            "the rest of April's budget");
    }

    [Fact]
    public async Task Each_of_five_hundred_requests_falls_in_exactly_one_period()
    {
        const int Count = 500;
        var clock = new ShiftedTime();
        var (march, april) = (new DateTimeOffset(2031, 3, 31, 23, 0, 0, TimeSpan.Zero), new DateTimeOffset(2031, 4, 1, 0, 0, 0, TimeSpan.Zero));
        clock.MoveTo(march);
        await using var stage = await LimitedStage.StartAsync(
            "\"budget_usd\": 1000000, \"budget_period\": \"month\"", configure: gateway => gateway.WithServices(services => services.AddSingleton<TimeProvider>(clock)));
        var asked = 0;

        // The month ends in their midst: those under way began in the one and end in the other.
        stage.Provider.AlwaysAnswers(_ =>
        {
            if (Interlocked.Increment(ref asked) == Count / 2)
            {
                clock.MoveTo(april);
            }

            return Script.Json(LimitedStage.Answer(1));
        });
        var statuses = await stage.AskAtOnceAsync(Count);

        Assert.All(statuses, status => Assert.Equal(HttpStatusCode.OK, status));
        var rows = await stage.Gateway.Ledger.WaitForRequestsAsync(Count);
        var recorded = rows.Count(row => (long)row["time_us"]! < april.ToUnixTimeMilliseconds() * 1000);
        Assert.InRange(recorded, Count / 2, Count - 1);
        var places = stage.Gateway.Services.GetRequiredService<BudgetPlaces>();
        var key = new ClientKey { Name = "limited", Sha256 = [], BudgetUsd = 1_000_000, BudgetPeriod = BudgetPeriod.Month };
        await Eventually.TrueAsync(
            () => (Spent(march), Spent(april)) == (recorded * 1_000_000L, (Count - recorded) * 1_000_000L),
            "what is enforced of both months to be what the ledger says");
        output.WriteLine($"G15: of {Count} requests {recorded} in March, {Count - recorded} in April, none in both, none in neither");

        long Spent(DateTimeOffset month) => places.Of(key, month).Account.Look(long.MaxValue).Spent;
    }
}
