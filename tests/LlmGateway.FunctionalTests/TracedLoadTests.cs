using System.Collections.Concurrent;
using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using LlmGateway.FunctionalTests.Infrastructure;
using Microsoft.Data.Sqlite;

namespace LlmGateway.FunctionalTests;

/// <summary>
/// The paths that the measuring tests (overload, heap limit, starvation, reload under load, soak, steady state, idle streams) run without a trace,
/// because it would be measured with the rest: each once, small, at level Trace, with secrets that exist once in the world (N01). What is timed and
/// weighed there is not here.
/// </summary>
[Collection(nameof(RedisCollection))]
public sealed class TracedLoadTests(RedisServer redis)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Refusals_of_the_queue_and_of_a_key()
    {
        const int AtOnce = 20;
        await using var stage = new Stage();
        var gate = new Gate();
        stage.First.AlwaysAnswers(_ => new Script().WaitFor(gate).Then(Script.Json(OpenAiReplies.Completion(stage.Reply))));
        await stage.StartAsync(("GATEWAY_MAX_CONCURRENCY", "2"), ("GATEWAY_QUEUE", "1"));

        var first = stage.AskAsync(key: stage.LimitedKey);
        await gate.Reached.WaitAsync(Eventually.DefaultLimit, Cancellation);
        var limited = await stage.AskAsync(key: stage.LimitedKey);
        Task<(int Status, string Text)>[] calls = [first, .. Enumerable.Range(0, AtOnce).Select(_ => stage.AskAsync())];
        await Eventually.TrueAsync(() => calls.Count(call => call.IsCompleted) == AtOnce - 2, "all but two and the one that waits to be refused");
        gate.Release();
        var statuses = (await Task.WhenAll(calls)).Select(answer => answer.Status).ToList();

        Assert.Equal(429, limited.Status);
        Assert.Equal((3, AtOnce - 2), (statuses.Count(status => status == 200), statuses.Count(status => status == 503)));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Refusals_of_the_heap(bool isChunked)
    {
        const int AtOnce = 40;
        await using var stage = new Stage();
        await using var plain = new PlainProvider();
        await stage.StartAsync(("INTERNAL_LLM_BASE_URL", plain.BaseUrl + "/v1"), ("DOTNET_GCHeapHardLimit", "0x10000000"));
        var body = ProductionStage.Body(isStreaming: false, stage.Prompt + new string('x', 29_900_000));

        var answers = await Task.WhenAll(Enumerable.Range(0, AtOnce).Select(_ => stage.AskAsync(body, isChunked: isChunked)));

        Assert.All(answers, answer => Assert.True(answer.Status is 200 or 503, answer.ToString()));
        Assert.Contains(answers, answer => answer.Status == 503);
        Assert.Contains(answers, answer => answer.Status == 200);
    }

    [Fact]
    public async Task Reloads_of_good_and_of_broken_files()
    {
        await using var stage = new Stage();
        stage.First.AlwaysAnswers(_ => Script.Json(OpenAiReplies.Completion(stage.Reply)));
        await stage.StartAsync();
        var (fileKey, prompt) = (stage.Canaries.New("sk-file"), stage.Canaries.New("system-prompt"));
        string Settings(int number) => stage.Settings($"  extra-{number}: {{ type: openai, base_url: \"{GatewayUnderTest.NoProvider}\", api_key: \"{fileKey}\", models: [m{number}] }}\n");
        string Agents(int number) => $$"""{ "default": { "system_prompt": "{{prompt}}", "seed": {{number}} }, "agents": {} }""";

        var judged = 0;
        foreach (var (settings, agents) in ((string, string)[])[(Settings(1), Agents(1)), (Settings(2)[..^3], Agents(2)[..^20]), ($"llm: [ {fileKey}\n", $$"""{ "default": { "system_prompt": "{{prompt}}" "seed": 3 } }"""), (Settings(4), Agents(4))])
        {
            judged++;
            stage.Folder.Rewrite(GatewayFolder.Settings, settings, RewriteKind.AtomicRename);
            stage.Folder.Rewrite(GatewayFolder.Agents, agents, RewriteKind.AtomicRename);
            await stage.Gateway.WaitForMetricsAsync(
                page => page.Sum("llm_gateway_config_reloads_total", ("file", "llm_settings")) >= judged && page.Sum("llm_gateway_config_reloads_total", ("file", "agent_llm_config")) >= judged, "both files to be judged");
            Assert.Equal(200, (await stage.AskAsync()).Status);
        }

        Assert.Equal(4, (await stage.Gateway.MetricsAsync()).Sum("llm_gateway_config_reloads_total", ("result", "rejected")));
        Assert.Contains(stage.First.Requests, request => request.Text.Contains(prompt, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Stores_that_hang()
    {
        const int Calls = 30;
        await using var stage = new Stage();
        stage.First.AlwaysAnswers(_ => Script.Json(OpenAiReplies.Completion(stage.Reply)));
        await stage.StartAsync(("REDIS_URL", redis.Url));
        await BecomeAsync(redis: 1, database: 1);

        using (var other = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = Path.Combine(stage.Folder.Path, "data", "gateway.db"), Pooling = false }.ToString()))
        {
            other.Open();
            using var locking = other.CreateCommand();
            locking.CommandText = "BEGIN EXCLUSIVE";
            locking.ExecuteNonQuery();
            await redis.PauseAsync(TimeSpan.FromSeconds(8));
            foreach (var call in Enumerable.Range(0, Calls))
            {
                Assert.Equal(200, (await stage.AskAsync(key: call % 2 == 0 ? stage.LimitedKey : null)).Status);
            }

            await BecomeAsync(redis: 0, database: 0);
        }

        await redis.CommandAsync("PING");
        await BecomeAsync(redis: 1, database: 1);
        await stage.Ledger.WaitForRequestsAsync(Calls, TimeSpan.FromSeconds(60));

        Task BecomeAsync(double redis, double database) => stage.Gateway.WaitForMetricsAsync(
            page => (page.Value("llm_gateway_store_up", ("store", "redis")), page.Value("llm_gateway_store_up", ("store", "database"))) == (redis, database), $"Redis to be {redis} and the database to be {database}");
    }

    /// <summary>Errors that tell secrets, answers of all wrong forms, streams that are cut, clients that leave, prompts too long for one model after the other.</summary>
    [Fact]
    public async Task Faults_of_providers_and_clients()
    {
        await using var stage = new Stage();
        var error = OpenAiReplies.Error($"Incorrect API key provided: {stage.FirstKey} {stage.Reply}");
        var gate = new Gate();
        Func<Script>[] faults =
        [
            () => Script.Json(error, 500), () => Script.Json(error, 502), () => Script.Json(error, 503),
            () => Script.Json(OpenAiReplies.Error(stage.Reply, "invalid_request_error", "context_length_exceeded"), 400),
            () => new Script().Reset(),
            () => Script.Whole(200, "text/html", Encoding.UTF8.GetBytes("<html>" + stage.Reply)),
            () => Script.Whole(200, "application/json", []),
            () => Script.Json("{\"" + stage.Reply),
            () => Script.Sse("{\"" + stage.Reply),
            () => Script.Sse(OpenAiReplies.RoleChunk(), OpenAiReplies.ContentChunk(stage.Reply)).Reset(),
            () => Script.Sse(OpenAiReplies.RoleChunk(), OpenAiReplies.ContentChunk(stage.Reply)).WaitFor(gate).Event(OpenAiReplies.FinishChunk()).Done(),

            // The last of all: nothing is sent with a key that was refused.
            () => Script.Json(error, 401),
        ];
        var (idle, last) = (faults.Length - 2, faults.Length - 1);
        var happened = new ConcurrentDictionary<int, int>();
        stage.First.AlwaysAnswers(_ => Script.Chosen(request =>
        {
            var fault = int.Parse(request.Json().GetProperty("messages")[0].GetProperty("content").GetString()!.Split(' ')[1], CultureInfo.InvariantCulture);
            happened.AddOrUpdate(fault, 1, (_, count) => count + 1);
            return faults[fault]();
        }));
        stage.Second.AlwaysAnswers(_ => Script.Chosen(request => ProductionStage.Answer(request.Json().TryGetProperty("stream", out System.Text.Json.JsonElement _), stage.Reply)));
        await stage.StartAsync();

        foreach (var fault in Enumerable.Range(0, idle))
        {
            foreach (var isStreaming in (bool[])[false, true])
            {
                Assert.Equal(200, (await stage.AskAsync(Body(fault, isStreaming))).Status);
            }
        }

        // Its client leaves while it says nothing.
        using (await stage.OpenAsync(Body(idle, isStreaming: true)))
        {
            await gate.Reached.WaitAsync(Eventually.DefaultLimit, Cancellation);
        }

        await stage.Gateway.WaitForMetricsAsync(page => page.Sum("llm_gateway_requests_total", ("status", "499")) == 1, "the client to be gone");
        gate.Release();
        Assert.Equal(200, (await stage.AskAsync(Body(last, isStreaming: false))).Status);
        Assert.Equal(faults.Length, happened.Count);

        string Body(int fault, bool isStreaming) => ProductionStage.Body(isStreaming, FormattableString.Invariant($"{stage.Prompt} {fault}"));
    }

    /// <summary>A gateway of its own process with its files; disposing looks for every secret in all that it wrote.</summary>
    private sealed class Stage : IAsyncDisposable
    {
        private GatewayProcess? _gateway;

        public Stage()
        {
            (ClientKey, LimitedKey, FirstKey, SecondKey) = (Canaries.New("sk-client"), Canaries.New("sk-limited"), Canaries.New("sk-internal"), Canaries.New("sk-backup"));
            (Prompt, Reply) = (Canaries.New("prompt"), Canaries.New("reply"));
            First.ForbidsSecrets(ClientKey, SecondKey);
            Second.ForbidsSecrets(ClientKey, FirstKey);
        }

        public Canaries Canaries { get; } = new();

        public string ClientKey { get; }

        /// <summary>Of a client that may have one call at a time.</summary>
        public string LimitedKey { get; }

        public string FirstKey { get; }

        public string SecondKey { get; }

        public string Prompt { get; }

        public string Reply { get; }

        public GatewayFolder Folder { get; } = new();

        public ScriptedProvider First { get; } = ScriptedProvider.OpenAi();

        public ScriptedProvider Second { get; } = ScriptedProvider.OpenAi();

        public GatewayProcess Gateway => _gateway!;

        public LedgerFile Ledger => new(Path.Combine(Folder.Path, "data", "gateway.db"));

        public string Settings(string more = "") => ProductionStage.Settings(Second.BaseUrl, more, "timeout: 20, circuit: { failures: 100 }");

        public async Task StartAsync(params (string Name, string Value)[] more)
        {
            Folder.Rewrite(GatewayFolder.Settings, Settings());
            Folder.Rewrite(GatewayFolder.Agents, ProductionStage.Agents());
            Folder.Rewrite(GatewayFolder.Keys, LimitedStage.Keys(LimitedStage.KeyEntry("\"max_concurrency\": 1, \"rpm\": 100000, \"budget_usd\": 1000", "limited", LimitedKey)));
            (string, string)[] variables =
            [
                ("ENVIRONMENT", "production"), ("LLM_DEBUG", "true"), ("INTERNAL_LLM_BASE_URL", First.BaseUrl + "/v1"), ("INTERNAL_LLM_MODEL", "m"), ("INTERNAL_LLM_API_KEY", FirstKey), ("BACKUP_KEY", SecondKey),
                ("GATEWAY_API_KEYS", "test:" + ClientKey), ("ADMIN_API_KEY", Canaries.New("sk-admin")), ("INTERNAL_LLM_TICKET", Canaries.New("ticket")),
            ];
            _gateway = GatewayProcess.Start(Folder, ["--urls", "http://127.0.0.1:0"], [.. variables, .. more]);
            Gateway.Canaries = Canaries;
            await Gateway.WaitForStartAsync();
        }

        public async Task<(int Status, string Text)> AskAsync(string? body = null, string? key = null, bool isChunked = false)
        {
            using var request = Request(body ?? ProductionStage.Body(isStreaming: false, Prompt), key);
            request.Headers.TransferEncodingChunked = isChunked;
            using var answer = await Gateway.Client.SendAsync(request, Cancellation);
            return ((int)answer.StatusCode, await answer.Content.ReadAsStringAsync(Cancellation));
        }

        public async Task<HttpResponseMessage> OpenAsync(string body)
        {
            using var request = Request(body, null);
            return await Gateway.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Cancellation);
        }

        public async ValueTask DisposeAsync()
        {
            try
            {
                if (_gateway is not null)
                {
                    Canaries.AssertNoCanary((await Gateway.MetricsAsync()).Text);
                    Assert.Equal(0, await Gateway.TerminateAsync());
                    foreach (var table in (string[])["request_records", "attempt_records"])
                    {
                        Canaries.AssertNoCanary(string.Join('\n', Ledger.Query("SELECT * FROM " + table).SelectMany(row => row.Values).OfType<string>()));
                    }

                    await Gateway.DisposeAsync();
                }
            }
            finally
            {
                await First.DisposeAsync();
                await Second.DisposeAsync();
                Folder.Dispose();
            }
        }

        private HttpRequestMessage Request(string body, string? key) => new(HttpMethod.Post, ProductionStage.Path)
        {
            Content = new StringContent(body, Encoding.UTF8, "application/json"),
            Headers = { Authorization = new AuthenticationHeaderValue("Bearer", key ?? ClientKey) },
        };
    }
}
