using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.Http.Headers;

namespace LoadClient;

/// <summary>Puts one workload on one target.</summary>
internal static class LoadRun
{
    public const string ClientKey = "sk-load";

    public static async Task<Figures> RunAsync(Target target, Workload workload, TimeSpan time, CancellationToken cancellation)
    {
        using var client = new HttpMessageInvoker(new SocketsHttpHandler
        {
            UseProxy = false,
            UseCookies = false,
            AllowAutoRedirect = false,
            ActivityHeadersPropagator = null,
            MaxConnectionsPerServer = workload.Connections,
        });
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(time + TimeSpan.FromSeconds(60));
        var latencies = new ConcurrentBag<List<long>>();
        long started = 0, requests = 0, events = 0, lost = 0;
        var processorTime = target.ProcessorTime();
        var start = Stopwatch.GetTimestamp();

        async Task WorkAsync()
        {
            var mine = new List<long>();
            latencies.Add(mine);
            var buffer = new byte[16 * 1024];
            while (Interlocked.Increment(ref started) <= workload.MaxRequests && (workload.RunsOnce || Stopwatch.GetElapsedTime(start) < time))
            {
                var sent = Stopwatch.GetTimestamp();
                var got = await SendAsync(client, target, workload, buffer, limit.Token);
                mine.Add(Stopwatch.GetTimestamp() - sent);
                Interlocked.Add(ref events, got.Events);
                Interlocked.Add(ref lost, workload.Chunks - got.Events + (got.IsWhole ? 0 : 1));
                Interlocked.Add(ref requests, got.IsWhole ? 1 : 0);
            }
        }

        await Task.WhenAll(Enumerable.Range(0, workload.Connections).Select(_ => WorkAsync()));
        var seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        var sorted = latencies.SelectMany(mine => mine).Order().ToList();
        return new Figures(requests, events, lost, seconds, target.ProcessorTime() - processorTime, Stopwatch.GetElapsedTime(0, sorted[sorted.Count / 2]));
    }

    private static async Task<(bool IsWhole, int Events)> SendAsync(HttpMessageInvoker client, Target target, Workload workload, byte[] buffer, CancellationToken cancellation)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, target.BaseUrl + "/v1/chat/completions");
        request.Headers.TryAddWithoutValidation("Authorization", "Bearer " + ClientKey);
        request.Headers.TryAddWithoutValidation("X-Agent-Profile", "load");
        request.Headers.TryAddWithoutValidation("X-User-Id", "u1");
        request.Content = new ByteArrayContent(workload.Body) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };
        var check = new StreamCheck(workload.Chunks);
        try
        {
            using var response = await client.SendAsync(request, cancellation);
            await using var stream = await response.Content.ReadAsStreamAsync(cancellation);
            var isFine = (int)response.StatusCode == 200;
            var length = 0L;
            while (await stream.ReadAsync(buffer, cancellation) is var count and > 0)
            {
                length += count;
                if (workload.IsStreaming && isFine)
                {
                    check.Take(buffer.AsSpan(0, count));
                }
            }

            return (isFine && (workload.IsStreaming ? check.IsComplete : length > 500), check.Events);
        }
        catch (Exception fault) when (fault is HttpRequestException or IOException)
        {
            return (false, check.Events);
        }
    }
}
