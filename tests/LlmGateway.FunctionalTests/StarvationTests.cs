using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text;
using LlmGateway.FunctionalTests.Infrastructure;
using Microsoft.Data.Sqlite;

namespace LlmGateway.FunctionalTests;

/// <summary>Redis takes commands and answers none while another process holds the database's file: no thread waits for either, and no client notices.</summary>
[Collection(nameof(RedisCollection))]
public sealed class StarvationTests(RedisServer redis, ITestOutputHelper output)
{
    private const int Rate = 200;

    private static readonly TimeSpan Length = TimeSpan.FromSeconds(LongForm.Number("STARVATION_SECONDS", 6));

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Stores_that_hang_take_no_threads()
    {
        await using var provider = ScriptedProvider.OpenAi().AlwaysAnswers(_ => Script.Chosen(request => ProductionStage.Answer(request.Json().TryGetProperty("stream", out System.Text.Json.JsonElement _))));
        using var folder = new GatewayFolder();
        folder.Rewrite(GatewayFolder.Keys, LimitedStage.Keys(LimitedStage.KeyEntry("\"rpm\": 1000000, \"tpm\": 100000000, \"max_concurrency\": 2000, \"budget_usd\": 1000", "starved")));
        await using var gateway = GatewayProcess.StartWithoutTrace(
            folder, ["--urls", "http://127.0.0.1:0"],
            ("ENVIRONMENT", "production"), ("INTERNAL_LLM_BASE_URL", provider.BaseUrl + "/v1"), ("INTERNAL_LLM_MODEL", "m"), ("REDIS_URL", redis.Url));
        await gateway.WaitForStartAsync();
        await BecomeAsync(gateway, redis: 1, database: 1);
        var warm = await PressAsync(gateway, TimeSpan.FromSeconds(2));

        Pressed hung;
        using (var other = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = Path.Combine(folder.Path, "data", "gateway.db"), Pooling = false }.ToString()))
        {
            other.Open();
            using var locking = other.CreateCommand();
            locking.CommandText = "BEGIN EXCLUSIVE";
            locking.ExecuteNonQuery();
            await redis.PauseAsync(Length + TimeSpan.FromSeconds(5));

            hung = await PressAsync(gateway, Length);
            await BecomeAsync(gateway, redis: 0, database: 0);
        }

        // Answers again once the pause is over.
        await redis.CommandAsync("PING");
        await BecomeAsync(gateway, redis: 1, database: 1);
        var rows = await new LedgerFile(Path.Combine(folder.Path, "data", "gateway.db"))
            .WaitForAsync("SELECT count(*) AS n FROM request_records", rows => rows is [var row] && (long)row["n"]! == warm.Calls + hung.Calls, TimeSpan.FromSeconds(60));

        output.WriteLine(FormattableString.Invariant(
            $"Q23: {hung.Calls} calls in {Length.TotalSeconds:0} s with Redis paused and the database locked, {hung.Failed.Count} failed; pool queue p99 {hung.Queue(0.99)}, at most {hung.Threads} pool threads ({Environment.ProcessorCount} processors), health within {hung.Health.TotalMilliseconds:0} ms; {hung.Samples} samples; {rows[0]["n"]} records afterwards"));
        Assert.Empty(hung.Failed);
        Assert.True(hung.Calls >= Length.TotalSeconds * Rate / 2 && hung.Samples >= Length.TotalSeconds * 3, $"{hung.Calls} calls, {hung.Samples} samples: that was no load.");
        Assert.InRange(hung.Queue(0.99), 0, 49);
        Assert.InRange(hung.Threads, 1, Environment.ProcessorCount + 16);
        Assert.InRange(hung.Health, TimeSpan.Zero, TimeSpan.FromSeconds(1));
    }

    /// <summary>Calls at a pace that waits for no answer, every other one streamed; beside them the pool is asked after, and health.</summary>
    private static async Task<Pressed> PressAsync(GatewayProcess gateway, TimeSpan time)
    {
        var pressed = new Pressed();
        var calls = new List<Task>();
        var start = Stopwatch.GetTimestamp();
        var sampling = SampleAsync(gateway, pressed, () => Stopwatch.GetElapsedTime(start) >= time);
        using (var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(10)))
        {
            while (Stopwatch.GetElapsedTime(start) < time && await timer.WaitForNextTickAsync(Cancellation))
            {
                while (calls.Count < Stopwatch.GetElapsedTime(start).TotalSeconds * Rate)
                {
                    calls.Add(AskAsync(gateway, pressed, isStreaming: calls.Count % 2 == 1));
                }
            }
        }

        await Task.WhenAll(calls);
        await sampling;
        pressed.Calls = calls.Count;
        return pressed;
    }

    private static async Task AskAsync(GatewayProcess gateway, Pressed pressed, bool isStreaming)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, ProductionStage.Path) { Content = new StringContent(LimitedStage.Body(isStreaming: isStreaming), Encoding.UTF8, "application/json") };
        request.Headers.TryAddWithoutValidation("Authorization", "Bearer " + LimitedStage.Key);
        using var answer = await gateway.Client.SendAsync(request, Cancellation);
        var text = await answer.Content.ReadAsStringAsync(Cancellation);
        if (answer.StatusCode != HttpStatusCode.OK || !text.Contains("Well met", StringComparison.Ordinal) || (isStreaming && !text.EndsWith("data: [DONE]\n\n", StringComparison.Ordinal)))
        {
            pressed.Failed.Add(string.Create(CultureInfo.InvariantCulture, $"{(int)answer.StatusCode} {text}"));
        }
    }

    private static async Task SampleAsync(GatewayProcess gateway, Pressed pressed, Func<bool> isOver)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        while (!isOver())
        {
            var asked = Stopwatch.GetTimestamp();
            using (var health = await gateway.Client.GetAsync(new Uri("/health/live", UriKind.Relative), Cancellation))
            {
                Assert.Equal(HttpStatusCode.OK, health.StatusCode);
            }

            var took = Stopwatch.GetElapsedTime(asked);
            var page = await gateway.MetricsAsync();
            pressed.Note(
                took,
                page.Value("dotnet_thread_pool_queue_length") ?? throw new InvalidOperationException("The queue's length is not told."),
                page.Value("dotnet_thread_pool_thread_count") ?? throw new InvalidOperationException("The number of threads is not told."));
            await timer.WaitForNextTickAsync(Cancellation);
        }
    }

    private static Task<bool> BecomeAsync(GatewayProcess gateway, double redis, double database) => Eventually.AnswersAsync<bool>(
        async () =>
        {
            var page = await gateway.MetricsAsync();
            return (page.Value("llm_gateway_store_up", ("store", "redis")), page.Value("llm_gateway_store_up", ("store", "database"))) == (redis, database) ? true : null;
        },
        $"Redis to be {redis} and the database to be {database}");

    private sealed class Pressed
    {
        private readonly List<double> _queue = [];

        public ConcurrentBag<string> Failed { get; } = [];

        public long Calls { get; set; }

        public int Samples => _queue.Count;

        public double Threads { get; private set; }

        public TimeSpan Health { get; private set; }

        public double Queue(double share) => _queue.Order().ElementAt((int)Math.Min(_queue.Count - 1, _queue.Count * share));

        public void Note(TimeSpan health, double queue, double threads)
        {
            _queue.Add(queue);
            Threads = Math.Max(Threads, threads);
            Health = health > Health ? health : Health;
        }
    }
}
