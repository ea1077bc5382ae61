using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using LlmGateway.FunctionalTests.Infrastructure;

namespace LlmGateway.FunctionalTests;

/// <summary>
/// A mix of calls while one provider in ten answers fails and one client in twenty leaves, with a healthy fallback behind: nobody notices
/// what can be hidden, what cannot is told, every call is on record once, and memory stays flat.
/// </summary>
[Collection(nameof(AloneCollection))]
public sealed class SoakTests(ITestOutputHelper output)
{
    private const int Seed = 20_261_001;
    private const int Callers = 12;

    private const double MostHeapGrowth = 3;

    private static readonly TimeSpan Length = TimeSpan.FromSeconds(LongForm.Number("SOAK_SECONDS", 15));
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(4);

    /// <summary>In percent, as the goal has it for a short form and for a long one.</summary>
    private static readonly double MostResidentGrowth = Length < TimeSpan.FromMinutes(5) ? 8 : 5;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Faults_are_hidden_or_told_and_every_call_is_on_record()
    {
        var faults = new ConcurrentDictionary<string, int>();
        await using var first = ScriptedProvider.OpenAi().AlwaysAnswers(_ => Script.Chosen(request => Answer(request, faults, isFaulty: true)));
        await using var second = ScriptedProvider.OpenAi().AlwaysAnswers(_ => Script.Chosen(request => Answer(request, faults, isFaulty: false)));
        using var folder = new GatewayFolder();
        folder.Rewrite(GatewayFolder.Settings, ProductionStage.Settings(second.BaseUrl));
        folder.Rewrite(GatewayFolder.Agents, ProductionStage.Agents());
        await using var gateway = GatewayProcess.StartWithoutTrace(
            folder,
            ["--urls", "http://127.0.0.1:0"],
            ("ENVIRONMENT", "production"), ("INTERNAL_LLM_BASE_URL", first.BaseUrl), ("INTERNAL_LLM_MODEL", "m"), ("BACKUP_KEY", "sk-backup"), ("GATEWAY_AUTH", "none"));
        await gateway.WaitForStartAsync();
        var tally = new Tally();

        var before = await Footprint.WhenLevelAsync(gateway, () => PressAsync(gateway, tally, WarmUp), Cancellation);
        await PressAsync(gateway, tally, Length);
        var after = await Footprint.BackAtAsync(before, MostHeapGrowth, MostResidentGrowth, gateway, Cancellation);
        var (heap, resident) = (after.HeapGrowth(before), after.ResidentGrowth(before));
        var log = gateway.Output.Count;
        Assert.Equal(0, await gateway.TerminateAsync());

        var ledger = new LedgerFile(Path.Combine(folder.Path, "data", "gateway.db"));
        var rows = (long)ledger.Query("select count(*) as n from request_records")[0]["n"]!;
        var ids = (long)ledger.Query("select count(distinct request_id) as n from request_records")[0]["n"]!;
        var open = (long)ledger.Query("select count(*) as n from attempt_records where outcome is null")[0]["n"]!;
        output.WriteLine(FormattableString.Invariant(
            $"Q1: {tally.Calls} calls in {Length.TotalSeconds:0} s and warming up, faults {string.Join(", ", faults.OrderBy(fault => fault.Key).Select(fault => $"{fault.Value} {fault.Key}"))}, {tally.Left} clients left (seed {Seed})"));
        output.WriteLine(FormattableString.Invariant($"Q2: {rows} rows, {tally.Calls - ids} lost, {rows - ids} twice; Q3: {tally.Failed.Count} failures shown that could be hidden, {tally.Broken} streams broken and told; Q4: {tally.Whole} answers byte for byte"));
        output.WriteLine(FormattableString.Invariant($"Q6: {before}; at the end {after} ({heap:+0.0;-0.0} % live heap, {resident:+0.0;-0.0} % resident); {log} log lines"));
        Assert.Empty(tally.Failed);
        Assert.True(faults.Count >= 6 && faults.Values.All(count => count > 0) && tally.Left > 0 && tally.Broken > 0, "Some fault never happened.");
        Assert.Equal((tally.Calls, tally.Calls, 0), (rows, ids, open));
    }

    /// <summary>The echo of the last message, or one of the faults, by the number of the call: the same in every run.</summary>
    private static Script Answer(RecordedRequest request, ConcurrentDictionary<string, int> faults, bool isFaulty)
    {
        var json = request.Json();
        var isStreaming = json.TryGetProperty("stream", out var stream) && stream.ValueKind == JsonValueKind.True;
        var text = json.GetProperty("messages").EnumerateArray().Last().GetProperty("content").GetString()!;
        var number = int.Parse(text.Split(' ')[0], CultureInfo.InvariantCulture);
        var draw = new Random(unchecked((Seed * 31) + (number * 7919))).Next(100);
        string? fault = isFaulty ? draw switch
        {
            0 or 1 => "500",
            2 => "503",
            3 => "reset",
            4 => "html",
            5 => "empty",
            6 => "502",
            7 => "garbage",
            8 or 9 when isStreaming => "cut",
            _ => null,
        } : null;
        if (fault is not null)
        {
            faults.AddOrUpdate(fault, 1, (_, count) => count + 1);
        }

        return fault switch
        {
            "500" or "502" or "503" => Script.Json(OpenAiReplies.Error("scripted"), int.Parse(fault, CultureInfo.InvariantCulture)),
            "reset" => new Script().Reset(),
            "html" => Script.Whole(200, "text/html", "<html>"u8.ToArray()),
            "empty" => isStreaming ? Script.Sse() : Script.Whole(200, "application/json", []),
            "garbage" => isStreaming ? Script.Sse("{\"no\":") : Script.Json("{\"no\":"),
            "cut" => Script.Sse(OpenAiReplies.RoleChunk(), OpenAiReplies.ContentChunk(text[..^1])).Reset(),
            _ => isStreaming ? OpenAiReplies.Stream([.. Pieces(text)]) : Script.Json(OpenAiReplies.Completion(text)),
        };
    }

    private static IEnumerable<string> Pieces(string text)
    {
        for (var start = 0; start < text.Length; start += 7)
        {
            yield return text.Substring(start, Math.Min(7, text.Length - start));
        }
    }

    private static Task PressAsync(GatewayProcess gateway, Tally tally, TimeSpan time)
    {
        var start = Stopwatch.GetTimestamp();
        return Task.WhenAll(Enumerable.Range(0, Callers).Select(async _ =>
        {
            while (Stopwatch.GetElapsedTime(start) < time)
            {
                await AskAsync(gateway, tally, tally.Next());
            }
        }));
    }

    private static async Task AskAsync(GatewayProcess gateway, Tally tally, int number)
    {
        var (isStreaming, leaves) = (number % 2 == 0, number % 40 == 20);
        var text = $"{number} grüße 你好 " + new string((char)('a' + (number % 26)), number % 97);
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/chat/completions")
        {
            Content = new StringContent($$"""{"model":"m"{{(isStreaming ? ",\"stream\":true" : "")}},"messages":[{"role":"user","content":{{JsonSerializer.Serialize(text)}}}]}""", Encoding.UTF8, "application/json"),
            Headers = { { "X-Request-Id", number.ToString(CultureInfo.InvariantCulture) } },
        };
        using var response = await gateway.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Cancellation);
        if (response.StatusCode != HttpStatusCode.OK)
        {
            tally.Failed.Enqueue($"{number}: {(int)response.StatusCode} {await response.Content.ReadAsStringAsync(Cancellation)}");
            return;
        }

        if (leaves)
        {
            tally.Leave();
            return;
        }

        var body = await response.Content.ReadAsStringAsync(Cancellation);
        if (!isStreaming)
        {
            using var answer = JsonDocument.Parse(body);
            tally.Note(answer.RootElement.GetProperty("choices")[0].GetProperty("message").GetProperty("content").GetString() == text, number, body);
            return;
        }

        var events = body.Split("\n\n", StringSplitOptions.RemoveEmptyEntries).Select(one => one["data: ".Length..]).ToList();
        if (events[^1].StartsWith("{\"error\"", StringComparison.Ordinal))
        {
            tally.Break(number, body);
            return;
        }

        var said = string.Concat(events.Where(one => one.StartsWith('{')).Select(Content));
        tally.Note(said == text && events[^1] == "[DONE]", number, body);
    }

    private static string Content(string chunk)
    {
        using var document = JsonDocument.Parse(chunk);
        return document.RootElement.GetProperty("choices") is { } choices && choices.GetArrayLength() > 0 && choices[0].GetProperty("delta").TryGetProperty("content", out var content) ? content.GetString() ?? "" : "";
    }

    private sealed class Tally
    {
        private int _calls;
        private int _left;
        private int _whole;
        private int _broken;

        public ConcurrentQueue<string> Failed { get; } = new();

        public long Calls => Volatile.Read(ref _calls);

        public int Left => Volatile.Read(ref _left);

        public int Whole => Volatile.Read(ref _whole);

        public int Broken => Volatile.Read(ref _broken);

        public int Next() => Interlocked.Increment(ref _calls);

        public void Leave() => Interlocked.Increment(ref _left);

        public void Note(bool isRight, int number, string body)
        {
            Interlocked.Increment(ref _whole);
            if (!isRight)
            {
                Failed.Enqueue($"{number}: {body}");
            }
        }

        /// <summary>One error event and no mark of the end.</summary>
        public void Break(int number, string body)
        {
            Interlocked.Increment(ref _broken);
            if (body.Contains("[DONE]", StringComparison.Ordinal) || body.Split("{\"error\"").Length != 2)
            {
                Failed.Enqueue($"{number}: {body}");
            }
        }
    }
}
