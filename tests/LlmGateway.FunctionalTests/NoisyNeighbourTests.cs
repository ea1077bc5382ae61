using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text;
using LlmGateway.FunctionalTests.Infrastructure;

namespace LlmGateway.FunctionalTests;

/// <summary>One key sends a hundred times as much as each of the others, with large bodies, and far more than there is room for: the others hardly notice.</summary>
[Collection(nameof(AloneCollection))]
public sealed class NoisyNeighbourTests(ITestOutputHelper output)
{
    private const string Path = "/v1/chat/completions";
    private const int Places = 16;
    private const int Queue = 40;
    private const int Latency = 300;
    private const int Times = 100;
    private const int Others = 4;

    private static readonly int Calls = LongForm.Number("NOISE_CALLS", 30);
    private static readonly string Question = ProductionStage.Body(isStreaming: false, model: "m");
    private static readonly string LargeQuestion = ProductionStage.Body(isStreaming: false, new string('x', 64 * 1024), model: "m");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Beside_a_loud_key_the_others_wait_at_most_twice_as_long()
    {
        await using var provider = new PlainProvider(LatencyOf);
        using var folder = new GatewayFolder();
        await using var gateway = GatewayProcess.Start(
            folder, ["--urls", "http://127.0.0.1:0"],
            ("ENVIRONMENT", "production"), ("INTERNAL_LLM_BASE_URL", provider.BaseUrl + "/v1"), ("INTERNAL_LLM_MODEL", "m"), ("GATEWAY_API_KEYS", string.Join(',', Enumerable.Range(0, Others + 1).Select(i => $"{NameOf(i)}:{KeyOf(i)}"))),
            ("GATEWAY_MAX_CONCURRENCY", Number(Places)), ("GATEWAY_QUEUE", Number(Queue)));
        await gateway.WaitForStartAsync();
        using var loud = NewClient(gateway, 0);
        HttpClient[] others = [.. Enumerable.Range(1, Others).Select(i => NewClient(gateway, i))];
        await AskAsync(others, 10);

        var alone = await AskAsync(others, Calls);
        using var stopping = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        var noise = new Noise();
        var making = noise.MakeAsync(loud, 1200.0 / Latency * Times, stopping.Token);
        await Eventually.TrueAsync(() => noise.Refused > Queue, "the queue to be full");
        var beside = await AskAsync(others, Calls);
        await stopping.CancelAsync();
        await making;
        Array.ForEach(others, other => other.Dispose());

        output.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"M09: each of {Others} keys alone {alone}, beside {noise.PerSecond:0} large calls/s ({noise.PerSecond / beside.PerSecond:0} times its own; {noise.Answered} answered, {noise.Refused} refused) {beside}"));
        Assert.Empty(noise.Unexpected);
        Assert.Empty(beside.Failed);
        Assert.Empty(alone.Failed);
        Assert.True(noise.PerSecond >= beside.PerSecond * Times, "That was no noise.");
        Assert.True(noise.Refused > noise.Answered, "There was room for the noise.");
        Assert.InRange(beside.P99, TimeSpan.Zero, alone.P99 * 2);
    }

    private static string Number(int number) => number.ToString(CultureInfo.InvariantCulture);

    /// <summary>From two thirds to four thirds of the usual, as calls of models differ; always the same for a number.</summary>
    private static TimeSpan LatencyOf(int number) => TimeSpan.FromMilliseconds(Latency * (1 + ((number * 7 % 11 - 5) / 15.0)));

    private static string NameOf(int caller) => caller == 0 ? "loud" : $"quiet-{caller}";

    private static string KeyOf(int caller) => $"sk-{NameOf(caller)}";

    private static HttpClient NewClient(GatewayProcess gateway, int caller)
    {
        var client = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = gateway.Client.BaseAddress };
        client.DefaultRequestHeaders.Authorization = new("Bearer", KeyOf(caller));
        return client;
    }

    /// <summary>Each asks one thing after the other.</summary>
    private static async Task<Asked> AskAsync(HttpClient[] callers, int calls)
    {
        var (times, failed, start) = (new ConcurrentBag<TimeSpan>(), new ConcurrentBag<string>(), Stopwatch.GetTimestamp());
        await Task.WhenAll(callers.Select(async caller =>
        {
            for (var i = 0; i < calls; i++)
            {
                var sent = Stopwatch.GetTimestamp();
                using var response = await SendAsync(caller, Question);
                times.Add(Stopwatch.GetElapsedTime(sent));
                if (response.StatusCode != HttpStatusCode.OK)
                {
                    failed.Add(response.ToString());
                }
            }
        }));
        TimeSpan[] sorted = [.. times.Order()];
        return new Asked(sorted[sorted.Length / 2], sorted[(int)Math.Ceiling(sorted.Length * 0.99) - 1], calls / Stopwatch.GetElapsedTime(start).TotalSeconds, failed);
    }

    private static Task<HttpResponseMessage> SendAsync(HttpClient client, string body) =>
        client.PostAsync(new Uri(Path, UriKind.Relative), new StringContent(body, Encoding.UTF8, "application/json"), Cancellation);

    private sealed record Asked(TimeSpan Median, TimeSpan P99, double PerSecond, IReadOnlyCollection<string> Failed)
    {
        public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{PerSecond:0.0}/s, median {Median.TotalMilliseconds:0} ms, p99 {P99.TotalMilliseconds:0} ms");
    }

    /// <summary>Calls at a pace that waits for no answer.</summary>
    private sealed class Noise
    {
        private int _answered;
        private int _refused;

        public int Answered => Volatile.Read(ref _answered);

        public int Refused => Volatile.Read(ref _refused);

        public double PerSecond { get; private set; }

        public ConcurrentBag<string> Unexpected { get; } = [];

        public async Task MakeAsync(HttpClient client, double perSecond, CancellationToken stopping)
        {
            var calls = new List<Task>();
            var start = Stopwatch.GetTimestamp();
            using (var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(10)))
            {
                while (!stopping.IsCancellationRequested && await timer.WaitForNextTickAsync(Cancellation))
                {
                    while (calls.Count < Stopwatch.GetElapsedTime(start).TotalSeconds * perSecond)
                    {
                        calls.Add(CallAsync(client));
                    }
                }
            }

            PerSecond = calls.Count / Stopwatch.GetElapsedTime(start).TotalSeconds;
            await Task.WhenAll(calls);
        }

        private async Task CallAsync(HttpClient client)
        {
            using var response = await SendAsync(client, LargeQuestion);
            switch (response.StatusCode)
            {
                case HttpStatusCode.OK:
                    Interlocked.Increment(ref _answered);
                    break;
                case HttpStatusCode.ServiceUnavailable when response.Headers.RetryAfter?.Delta > TimeSpan.Zero:
                    Interlocked.Increment(ref _refused);
                    break;
                default:
                    Unexpected.Add(response.ToString());
                    break;
            }
        }
    }
}
