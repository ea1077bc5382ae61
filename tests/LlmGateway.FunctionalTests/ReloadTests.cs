using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using LlmGateway.Configuration;
using LlmGateway.FunctionalTests.Infrastructure;
using Microsoft.Extensions.DependencyInjection;

namespace LlmGateway.FunctionalTests;

/// <summary>Files change while the gateway serves: what is good comes into force at once and whole, what is bad changes nothing.</summary>
public sealed class ReloadTests
{
    private const string Chat = "/v1/chat/completions";
    private const string Body = """{"messages":[{"role":"user","content":"hi"}]}""";

    /// <summary>Two seconds are promised; the third is for the machine that runs the tests.</summary>
    private static readonly TimeSpan ReloadLimit = TimeSpan.FromSeconds(3);

    private static readonly (string, string) Authorized = ("Authorization", "Bearer sk-client");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("InPlace")]
    [InlineData("AtomicRename")]
    [InlineData("ConfigMapSwap")]
    public async Task A_changed_file_is_in_force_soon_while_requests_run(string how)
    {
        var kind = Enum.Parse<RewriteKind>(how);
        await using var provider = Hello();
        await using var gateway = await new GatewayUnderTest().InProduction(provider).WithAgents(Generation(0)).StartAsync();
        await using var load = new Load(gateway, workers: 2);

        // Twice: after the first swap of a ConfigMap the file is a link.
        for (var generation = 1; generation <= 2; generation++)
        {
            gateway.Folder.Rewrite(GatewayFolder.Agents, Generation(generation), kind);
            await WaitForModelAsync(gateway, $"model-{generation}", ReloadLimit);
        }

        await load.StopAsync();
        Assert.All(load.Statuses.Keys, status => Assert.Equal(HttpStatusCode.OK, status));
        AssertNotMixed(provider);
        await gateway.WaitForMetricsAsync(page => page.Sum("llm_gateway_config_reloads_total", ("file", "agent_llm_config")) == 2, "two reloads to be counted");
        Assert.Equal(0, (await gateway.MetricsAsync()).Sum("llm_gateway_config_reloads_total", ("result", "rejected")));
    }

    [Theory]
    [InlineData(GatewayFolder.Agents, "{ \"agents\": { \"writer\": { \"model_name\": \"broken\" } ", "agent_llm_config")]
    [InlineData(GatewayFolder.Agents, """{ "default": { "model_name": "half-good", "provider": "internal" }, "agents": { "writer": { "temperatur": 1 } } }""", "agent_llm_config")]
    [InlineData(GatewayFolder.Agents, "", "agent_llm_config")]
    [InlineData(GatewayFolder.Settings, "llm:\n  default_provider: nobody\n", "llm_settings")]
    [InlineData(GatewayFolder.Settings, "llm: [\n", "llm_settings")]
    [InlineData(GatewayFolder.Keys, """{ "keys": [ { "name": "crm", "sha256": "short" } ] }""", "gateway_keys")]
    public async Task A_broken_file_is_refused_whole_and_told_until_it_is_mended(string file, string broken, string label)
    {
        await using var provider = Hello();
        await using var gateway = await new GatewayUnderTest().InProduction(provider)
            .WithAgents(Generation(1)).WithSettings("llm:\n  timeout: 30\n").WithKeys(KeysFile("crm")).StartAsync();
        var good = await File.ReadAllTextAsync(gateway.Folder.File(file), Cancellation);

        gateway.Folder.Rewrite(file, broken, RewriteKind.AtomicRename);
        await gateway.WaitForMetricsAsync(page => page.Sum("llm_gateway_config_reloads_total", ("file", label), ("result", "rejected")) == 1, "the refusal to be counted");

        var (status, health) = await HealthAsync(gateway);
        Assert.Equal((HttpStatusCode.OK, "degraded"), (status, health.GetProperty("status").GetString()));
        Assert.Contains(file, health.GetRawText());
        await gateway.Log.WaitForAsync(line => line.Level == "error" && line.Message.Contains(file, StringComparison.Ordinal), "an error that names the file");
        Assert.Equal("model-1", await ModelAsync(gateway));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(gateway, SecretOf("crm")));

        gateway.Folder.Rewrite(file, good + "\n", RewriteKind.AtomicRename);
        await Eventually.AnswersAsync<bool>(async () => (await HealthAsync(gateway)).Body.GetProperty("status").GetString() == "ready" ? true : null, "readiness without reserve");
        Assert.Equal("model-1", await ModelAsync(gateway));
        Assert.Equal(1, (await gateway.MetricsAsync()).Sum("llm_gateway_config_reloads_total", ("result", "rejected")));
    }

    /// <summary>What can stand where the file was, and what can stand in it to no good end (L06).</summary>
    [Theory]
    [InlineData("wrong type")]
    [InlineData("missing secret")]
    [InlineData("tag")]
    [InlineData("alias bomb")]
    [InlineData("deep")]
    [InlineData("directory")]
    [InlineData("100 MB")]
    [InlineData("link to nothing")]
    [InlineData("link to a device")]
    [InlineData("invalid UTF-8")]
    public async Task Whatever_stands_there_the_last_good_one_stays(string what)
    {
        await using var provider = Hello();
        await using var gateway = await new GatewayUnderTest().InProduction(provider)
            .WithVariable("LLM_SETTINGS", "config/" + GatewayFolder.Settings).WithAgents(Generation(1)).WithSettings("llm:\n  timeout: 30\n").StartAsync();
        var path = gateway.Folder.File(GatewayFolder.Settings);

        File.Delete(path);
        switch (what)
        {
            case "directory":
                Directory.CreateDirectory(path);
                break;
            case "100 MB":
                await using (var large = File.Create(path + ".new"))
                {
                    large.SetLength(100_000_000);
                }

                File.Move(path + ".new", path);
                break;
            case "link to nothing":
                File.CreateSymbolicLink(path, "nowhere");
                break;
            case "link to a device":
                File.CreateSymbolicLink(path, "/dev/zero");
                break;
            case "invalid UTF-8":
                await File.WriteAllBytesAsync(path, [.. "llm: { timeout: 30, strategy: \""u8, 0xC3, 0x28, .. "\" }"u8], Cancellation);
                break;
            default:
                gateway.Folder.Rewrite(GatewayFolder.Settings, what switch
                {
                    "wrong type" => "llm:\n  timeout: [1]\n",
                    "missing secret" => "llm:\n  timeout: ${NOBODY_SET_THIS}\n",
                    "tag" => "llm:\n  timeout: !!System.IO.FileInfo 30\n",
                    "deep" => "llm: " + new string('[', 5000) + new string(']', 5000),
                    _ => AliasBomb(),
                });
                break;
        }

        await gateway.WaitForMetricsAsync(page => page.Sum("llm_gateway_config_reloads_total", ("file", "llm_settings"), ("result", "rejected")) == 1, "the refusal to be counted");
        Assert.Equal("degraded", (await HealthAsync(gateway)).Body.GetProperty("status").GetString());
        await gateway.Log.WaitForAsync(line => line.Level == "error" && line.Message.Contains(GatewayFolder.Settings, StringComparison.Ordinal), "an error that names the file");
        Assert.Equal("model-1", await ModelAsync(gateway));
    }

    [Fact]
    public async Task A_broken_file_does_not_hold_back_a_good_one()
    {
        await using var provider = Hello();
        await using var gateway = await new GatewayUnderTest().InProduction(provider).WithAgents(Generation(1)).WithKeys(KeysFile("crm", "erp")).StartAsync();

        gateway.Folder.Rewrite(GatewayFolder.Agents, "{", RewriteKind.AtomicRename);
        gateway.Folder.Rewrite(GatewayFolder.Keys, KeysFile("erp"), RewriteKind.AtomicRename);

        await Eventually.AnswersAsync<bool>(async () => await StatusAsync(gateway, SecretOf("crm")) == HttpStatusCode.Unauthorized ? true : null, "the removed key to be refused");
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(gateway, SecretOf("erp")));
        Assert.Equal("model-1", await ModelAsync(gateway));
    }

    [Fact]
    public async Task Keys_come_and_go_with_their_file()
    {
        await using var provider = Hello();
        await using var gateway = await new GatewayUnderTest().InProduction(provider).WithoutVariable("GATEWAY_API_KEYS").WithKeys(KeysFile("crm")).StartAsync();
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(gateway, SecretOf("erp")));

        gateway.Folder.Rewrite(GatewayFolder.Keys, KeysFile("crm", "erp"));
        await Eventually.AnswersAsync<bool>(async () => await StatusAsync(gateway, SecretOf("erp")) == HttpStatusCode.OK ? true : null, "the new key to be taken");
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(gateway, SecretOf("crm")));

        gateway.Folder.Rewrite(GatewayFolder.Keys, KeysFile("erp"));
        await Eventually.AnswersAsync<bool>(async () => await StatusAsync(gateway, SecretOf("crm")) == HttpStatusCode.Unauthorized ? true : null, "the old key to be refused");
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(gateway, SecretOf("erp")));
    }

    [Fact]
    public async Task No_file_can_open_a_gateway_that_would_not_have_started_so()
    {
        await using var provider = Hello();
        await using var gateway = await new GatewayUnderTest().InProduction(provider).WithoutVariable("GATEWAY_API_KEYS").WithKeys(KeysFile("crm")).StartAsync();

        gateway.Folder.Rewrite(GatewayFolder.Keys, """{ "keys": [] }""", RewriteKind.AtomicRename);
        await gateway.WaitForMetricsAsync(page => page.Sum("llm_gateway_config_reloads_total", ("file", "gateway_keys")) == 1, "the file to be judged");

        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(gateway, "sk-anybody"));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync(gateway, SecretOf("crm")));
        Assert.Equal("degraded", (await HealthAsync(gateway)).Body.GetProperty("status").GetString());
    }

    [Fact]
    public async Task A_running_request_keeps_the_configuration_it_started_with()
    {
        var gate = new Gate();
        await using var provider = ScriptedProvider.OpenAi().Answers(Script.Sse(OpenAiReplies.RoleChunk()).WaitFor(gate).Reset(), OpenAiReplies.Stream("from ", "before"));
        await using var gateway = await new GatewayUnderTest().InProduction(provider)
            .WithAgents("""{"agents":{"writer":{"fallbacks":[{"provider":"internal","model_name":"fallback-before"}]}}}""").StartAsync();

        var answer = gateway.OpenStreamAsync(Chat, Body.Replace("{\"messages\"", "{\"stream\":true,\"messages\"", StringComparison.Ordinal), Authorized, ("X-Agent-Profile", "writer"));
        await gate.Reached.WaitAsync(Eventually.DefaultLimit, Cancellation);
        Reload(gateway, """{"agents":{"another":{}}}""");
        using var unknown = await gateway.SendAsync(Chat, Body, Authorized, ("X-Agent-Profile", "writer"));
        gate.Release();
        using var response = await answer;
        var text = await response.Content.ReadAsStringAsync(Cancellation);

        Assert.Equal(HttpStatusCode.NotFound, unknown.StatusCode);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.EndsWith("data: [DONE]\n\n", text, StringComparison.Ordinal);
        Assert.Equal(["internal-model", "fallback-before"], provider.Requests.Select(request => request.Json().GetProperty("model").GetString()));
    }

    [Fact]
    public async Task A_running_stream_goes_on_to_its_end()
    {
        var gate = new Gate();
        await using var provider = ScriptedProvider.OpenAi().Answers(
            Script.Sse(OpenAiReplies.RoleChunk(), OpenAiReplies.ContentChunk("one ")).WaitFor(gate).Event(OpenAiReplies.ContentChunk("two")).Event(OpenAiReplies.FinishChunk()).Done());
        await using var elsewhere = Hello();
        await using var gateway = await new GatewayUnderTest().InProduction(provider).StartAsync();

        using var response = await gateway.OpenStreamAsync(Chat, Body.Replace("{\"messages\"", "{\"stream\":true,\"messages\"", StringComparison.Ordinal), Authorized);
        await using var reader = await SseReader.OpenAsync(response, Cancellation);
        await reader.NextAsync();
        await gate.Reached.WaitAsync(Eventually.DefaultLimit, Cancellation);
        gateway.Folder.Rewrite(GatewayFolder.Settings, $"providers:\n  internal:\n    base_url: {elsewhere.BaseUrl}\n", RewriteKind.AtomicRename);
        Assert.Empty(gateway.Services.GetRequiredService<ConfigWatcher>().Reload());
        Assert.Equal("internal-model", await ModelAsync(gateway));
        gate.Release();
        var rest = await reader.ReadToEndAsync();

        Assert.True(rest[^1].IsDone);
        Assert.Contains(rest, chunk => chunk.Data.Contains("two", StringComparison.Ordinal));
        Assert.Single(provider.Requests);
        Assert.Single(elsewhere.Requests);
    }

    [Fact]
    public async Task A_hundred_reloads_under_load_lose_and_mix_nothing()
    {
        const int Reloads = 100;
        await using var provider = Hello();
        await using var gateway = await new GatewayUnderTest().InProduction(provider).WithAgents(Generation(0)).StartAsync();
        await using var load = new Load(gateway, workers: 4);

        for (var generation = 1; generation <= Reloads; generation++)
        {
            Reload(gateway, Generation(generation));
            await load.WaitForMoreAsync(2);
        }

        await load.StopAsync();
        Assert.All(load.Statuses.Keys, status => Assert.Equal(HttpStatusCode.OK, status));
        Assert.Equal($"model-{Reloads}", await ModelAsync(gateway));
        AssertNotMixed(provider);
        Assert.True(provider.Requests.Select(request => request.Json().GetProperty("model").GetString()).Distinct().Count() > Reloads / 2);
    }

    private static ScriptedProvider Hello() => ScriptedProvider.OpenAi().AlwaysAnswers(_ => Script.Json(OpenAiReplies.Completion("hi")));

    /// <summary>A file all of whose parts say which generation they are of.</summary>
    private static string Generation(int number) =>
        $$"""{"default":{"provider":"internal","model_name":"model-{{number}}","system_prompt":"prompt-{{number}}","max_tokens":{{number + 1}},"seed":{{number}} } }""";

    private static void AssertNotMixed(ScriptedProvider provider)
    {
        foreach (var sent in provider.Requests.Select(request => request.Json()))
        {
            var number = sent.GetProperty("model").GetString()!["model-".Length..];
            Assert.Equal("prompt-" + number, sent.GetProperty("messages")[0].GetProperty("content").GetString());
            Assert.Equal(number, sent.GetProperty("seed").GetRawText());
            Assert.Equal(int.Parse(number, CultureInfo.InvariantCulture) + 1, sent.GetProperty("max_tokens").GetInt32());
        }
    }

    /// <summary>Writes the agents file and has it judged at once, as the administration API does.</summary>
    private static void Reload(GatewayUnderTest gateway, string agents)
    {
        gateway.Folder.Rewrite(GatewayFolder.Agents, agents, RewriteKind.AtomicRename);
        Assert.Empty(gateway.Services.GetRequiredService<ConfigWatcher>().Reload());
    }

    private static async Task WaitForModelAsync(GatewayUnderTest gateway, string model, TimeSpan limit)
    {
        var start = Stopwatch.GetTimestamp();
        await Eventually.AnswersAsync<bool>(async () => await ModelAsync(gateway) == model ? true : null, $"{model} in force");
        Assert.True(Stopwatch.GetElapsedTime(start) < limit, $"{model} took {Stopwatch.GetElapsedTime(start)} to be in force.");
    }

    private static async Task<string> ModelAsync(GatewayUnderTest gateway)
    {
        using var response = await gateway.SendAsync(Chat, Body, Authorized);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return response.Headers.GetValues("x-llm-model").Single();
    }

    private static async Task<HttpStatusCode> StatusAsync(GatewayUnderTest gateway, string key)
    {
        using var response = await gateway.SendAsync(Chat, Body, ("Authorization", "Bearer " + key));
        return response.StatusCode;
    }

    private static async Task<(HttpStatusCode Status, JsonElement Body)> HealthAsync(GatewayUnderTest gateway)
    {
        using var response = await gateway.Client.GetAsync(new Uri("/health/ready", UriKind.Relative), Cancellation);
        using var body = JsonDocument.Parse(await response.Content.ReadAsStringAsync(Cancellation));
        return (response.StatusCode, body.RootElement.Clone());
    }

    private static string SecretOf(string name) => "sk-gw-secret-of-" + name;

    private static string KeysFile(params string[] names) => "{\"keys\":[" + string.Join(',', names.Select(name =>
        $$"""{"name":"{{name}}","sha256":"{{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(SecretOf(name))))}}"}""")) + "]}";

    /// <summary>Callers that ask one question after the other until they are told to stop.</summary>
    private static string AliasBomb()
    {
        var text = new StringBuilder("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
        for (var level = 1; level < 9; level++)
        {
            text.Append(CultureInfo.InvariantCulture, $"a{level}: &a{level} [").AppendJoin(", ", Enumerable.Repeat(FormattableString.Invariant($"*a{level - 1}"), 10)).Append("]\n");
        }

        return text.ToString();
    }

    private sealed class Load : IAsyncDisposable
    {
        private readonly CancellationTokenSource _stopping = new();
        private readonly SemaphoreSlim _answered = new(0);
        private readonly Task _workers;

        public Load(GatewayUnderTest gateway, int workers) =>
            _workers = Task.WhenAll(Enumerable.Range(0, workers).Select(_ => AskAsync(gateway)));

        public ConcurrentDictionary<HttpStatusCode, int> Statuses { get; } = new();

        public async Task WaitForMoreAsync(int answers)
        {
            for (var i = 0; i < answers; i++)
            {
                Assert.True(await _answered.WaitAsync(Eventually.DefaultLimit, Cancellation), "No more answers come.");
            }
        }

        public async Task StopAsync()
        {
            await _stopping.CancelAsync();
            await _workers;
        }

        public async ValueTask DisposeAsync()
        {
            await StopAsync();
            _stopping.Dispose();
            _answered.Dispose();
        }

        private async Task AskAsync(GatewayUnderTest gateway)
        {
            while (!_stopping.IsCancellationRequested)
            {
                using var response = await gateway.SendAsync(Chat, Body, Authorized);
                Statuses.AddOrUpdate(response.StatusCode, 1, (_, count) => count + 1);
                _answered.Release();
            }
        }
    }
}
