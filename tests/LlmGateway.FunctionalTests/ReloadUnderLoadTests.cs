using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using LlmGateway.Configuration;
using LlmGateway.FunctionalTests.Infrastructure;
using Microsoft.Extensions.DependencyInjection;

namespace LlmGateway.FunctionalTests;

/// <summary>All three files change ten times a second under a steady load: nothing fails, nothing is mixed, what is broken is never in force.</summary>
[Collection(nameof(AloneCollection))]
public sealed class ReloadUnderLoadTests(ITestOutputHelper output)
{
    private const int Reloads = 100;
    private const int PerSecond = 300;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_hundred_reloads_in_ten_seconds_fail_no_request()
    {
        await using var provider = ScriptedProvider.OpenAi().AlwaysAnswers(_ => Script.Json(OpenAiReplies.Completion("hi")));
        await using var gateway = await new GatewayUnderTest().InProduction(provider).WithAgents(Agents(0)).WithSettings(Settings(provider, 0)).WithKeys(Keys(0)).StartAsync();
        var baseline = await PressAsync(gateway, TimeSpan.FromSeconds(2), () => Task.CompletedTask);
        var watcher = gateway.Services.GetRequiredService<ConfigWatcher>();
        var swaps = new List<TimeSpan>();
        var refused = 0;

        var during = await PressAsync(gateway, TimeSpan.FromSeconds(10), async () =>
        {
            using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(100));
            for (var generation = 1; generation <= Reloads; generation++)
            {
                await timer.WaitForNextTickAsync(Cancellation);
                var isBroken = generation % 10 == 0;
                gateway.Folder.Rewrite(GatewayFolder.Agents, isBroken ? Agents(generation)[..^1] : Agents(generation), RewriteKind.AtomicRename);
                gateway.Folder.Rewrite(GatewayFolder.Settings, Settings(provider, generation), RewriteKind.AtomicRename);
                gateway.Folder.Rewrite(GatewayFolder.Keys, Keys(generation), RewriteKind.AtomicRename);
                var start = Stopwatch.GetTimestamp();
                refused += watcher.Reload().Count > 0 ? 1 : 0;
                swaps.Add(Stopwatch.GetElapsedTime(start));
            }
        });

        var sent = provider.Requests.Select(request => request.Json()).ToList();
        foreach (var request in sent)
        {
            var number = request.GetProperty("model").GetString()!["model-".Length..];
            Assert.Equal(("prompt-" + number, number), (request.GetProperty("messages")[0].GetProperty("content").GetString(), request.GetProperty("seed").GetRawText()));
        }

        var generations = sent.Select(request => int.Parse(request.GetProperty("model").GetString()!["model-".Length..], CultureInfo.InvariantCulture)).Distinct().ToList();
        swaps.Sort();
        output.WriteLine(FormattableString.Invariant(
            $"Q11: {Reloads} reloads of three files in {during.Took.TotalSeconds:0.0} s, {during.Times.Count} requests ({during.Times.Count / during.Took.TotalSeconds:0}/s), 0 failed, 0 mixed; p99 {P99(during.Times).TotalMilliseconds:0.0} ms (before: {P99(baseline.Times).TotalMilliseconds:0.0} ms); a swap took {swaps[Reloads / 2].TotalMilliseconds:0.0} ms (median), {swaps[^1].TotalMilliseconds:0.0} ms at most; {refused} broken files refused"));
        Assert.Empty(during.Bad);
        Assert.Empty(baseline.Bad);
        Assert.Equal(Reloads / 10, refused);
        Assert.DoesNotContain(generations, generation => generation > 0 && generation % 10 == 0);
        Assert.True(generations.Count > Reloads / 2, $"{generations.Count} generations were seen.");
        Assert.True(swaps[Reloads / 2] < TimeSpan.FromMilliseconds(100), swaps[Reloads / 2].ToString());
        Assert.True(P99(during.Times) < TimeSpan.FromSeconds(1), P99(during.Times).ToString());
    }

    private static TimeSpan P99(List<TimeSpan> times) => times[(int)(times.Count * 0.99)];

    private static string Agents(int number) =>
        $$"""{"default":{"provider":"internal","model_name":"model-{{number}}","system_prompt":"prompt-{{number}}","seed":{{number}} },"agents":{"only-{{number}}":{} } }""";

    /// <summary>Providers and models come and go.</summary>
    private static string Settings(ScriptedProvider provider, int number) =>
        $"llm: {{ timeout: {30 + (number % 7)} }}\nproviders:\n  extra-{number}:\n    type: openai\n    base_url: {provider.BaseUrl}/v1\n    models: [{string.Join(", ", Enumerable.Range(0, 200).Select(model => string.Create(CultureInfo.InvariantCulture, $"m{model}-{number}")))}]\n";

    private static string Keys(int number) =>
        "{\"keys\":[" + string.Join(',', Enumerable.Range(0, 20).Select(key =>
            $$"""{"name":"key-{{key}}","sha256":"{{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"secret {key} of {number}")))}}"}""")) + "]}";

    /// <summary>Calls at a steady pace, whatever becomes of the earlier ones, while something else goes on.</summary>
    private static async Task<(List<TimeSpan> Times, TimeSpan Took, IReadOnlyCollection<string> Bad)> PressAsync(GatewayUnderTest gateway, TimeSpan least, Func<Task> meanwhile)
    {
        var (times, bad, calls) = (new ConcurrentBag<TimeSpan>(), new ConcurrentBag<string>(), new List<Task>());
        var start = Stopwatch.GetTimestamp();
        var other = meanwhile();
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(10));
        while ((Stopwatch.GetElapsedTime(start) < least || !other.IsCompleted) && await timer.WaitForNextTickAsync(Cancellation))
        {
            while (calls.Count < Stopwatch.GetElapsedTime(start).TotalSeconds * PerSecond)
            {
                calls.Add(CallAsync());
            }
        }

        await other;
        await Task.WhenAll(calls);
        var took = Stopwatch.GetElapsedTime(start);
        return ([.. times.Order()], took, bad);

        async Task CallAsync()
        {
            var sent = Stopwatch.GetTimestamp();
            using var response = await gateway.SendAsync(ProductionStage.Path, ProductionStage.Body(isStreaming: false), ("Authorization", "Bearer sk-client"));
            times.Add(Stopwatch.GetElapsedTime(sent));
            if (response.StatusCode != HttpStatusCode.OK)
            {
                bad.Add(response.StatusCode + " " + await response.Content.ReadAsStringAsync(Cancellation));
            }
        }
    }
}
