using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;

namespace LlmGateway.FunctionalTests.Infrastructure;

/// <summary>
/// One gateway or several before one provider, with client keys that have limits. An output token of the provider's model costs a dollar, a
/// prompt nothing: so a call's cost is its output, and what is set aside for it is its <c>max_tokens</c>.
/// </summary>
internal sealed class LimitedStage : IAsyncDisposable
{
    public const string Key = "sk-limited-1";

    private const string Prices = """
        llm: { timeout: 20 }
        providers:
          internal:
            models: { internal-model: { input_cost_per_1m: 0, output_cost_per_1m: 1000000 } }
        """;

    private readonly List<GatewayUnderTest> _gateways = [];

    /// <summary>Hundreds of clients, the provider and several gateways share this process, which begins with a thread for each processor.</summary>
    static LimitedStage() => ThreadPool.SetMinThreads(32, 32);

    public ScriptedProvider Provider { get; } = ScriptedProvider.OpenAi();

    public GatewayUnderTest Gateway => _gateways[0];

    public IReadOnlyList<GatewayUnderTest> Gateways => _gateways;

    /// <summary>An entry of the keys file for <see cref="Key"/>.</summary>
    public static string KeyEntry(string limits, string name = "limited", string key = Key) =>
        $$"""{ "name": "{{name}}", "sha256": "{{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key)))}}"{{(limits.Length == 0 ? "" : ", " + limits)}} }""";

    public static string Keys(params string[] entries) => $$"""{ "keys": [ {{string.Join(", ", entries)}} ] }""";

    /// <param name="limits">Members of the key's entry.</param>
    /// <param name="configure">Told the gateway before it starts.</param>
    /// <param name="entries">More entries of the keys file.</param>
    public static Task<LimitedStage> StartAsync(string limits, Action<GatewayUnderTest>? configure = null, params string[] entries) =>
        StartNamedAsync("limited", limits, 1, configure, entries);

    /// <param name="name">The key's name.</param>
    /// <param name="limits">Members of the key's entry.</param>
    /// <param name="count">How many gateways.</param>
    /// <param name="configure">Told each gateway before it starts.</param>
    /// <param name="entries">More entries of the keys file.</param>
    public static async Task<LimitedStage> StartNamedAsync(string name, string limits, int count, Action<GatewayUnderTest>? configure = null, params string[] entries)
    {
        var stage = new LimitedStage();
        stage.Provider.AlwaysAnswers(_ => Script.Json(Answer(1)));
        for (var i = 0; i < count; i++)
        {
            await stage.AddGatewayAsync(Keys([KeyEntry(limits, name), .. entries]), configure);
        }

        return stage;
    }

    public async Task<GatewayUnderTest> AddGatewayAsync(string keys, Action<GatewayUnderTest>? configure = null)
    {
        var gateway = new GatewayUnderTest().InProduction(Provider).WithoutVariable("OLLAMA_BASE_URL").WithVariable("LLM_MAX_RETRIES", "0")
            .WithVariable("ADMIN_API_KEY", "sk-admin-of-the-tests").WithSettings(Prices).WithKeys(keys);
        configure?.Invoke(gateway);
        await gateway.StartAsync();
        _gateways.Add(gateway);
        return gateway;
    }

    /// <summary>A completion that used so many output tokens.</summary>
    public static string Answer(int outputTokens) => OpenAiReplies.Completion("Well met", promptTokens: 1, outputTokens);

    public static string Body(int maxTokens = 1, bool isStreaming = false) =>
        ProductionStage.Body(isStreaming, more: string.Create(CultureInfo.InvariantCulture, $",\"max_tokens\":{maxTokens}"));

    public Task<HttpResponseMessage> AskAsync(int maxTokens = 1, int gateway = 0, string key = Key, bool isStreaming = false) =>
        _gateways[gateway].OpenStreamAsync(ProductionStage.Path, Body(maxTokens, isStreaming), ("Authorization", "Bearer " + key));

    /// <summary>Asks so often, a hundred at once, gateways in turn, and answers the statuses; the error codes of refusals go to <paramref name="codes"/>.</summary>
    public async Task<IReadOnlyList<HttpStatusCode>> AskAtOnceAsync(int count, int maxTokens = 1, ISet<string>? codes = null, string key = Key)
    {
        using var room = new SemaphoreSlim(100);
        var answers = await Task.WhenAll(Enumerable.Range(0, count).Select(async i =>
        {
            await room.WaitAsync();
            using var leaving = new Leaving(room);
            using var answer = await AskAsync(maxTokens, i % _gateways.Count, key);
            return (answer.StatusCode, Code: answer.IsSuccessStatusCode ? await DrainAsync(answer) : (await OpenAiError.ReadAsync(answer)).Code);
        }));
        foreach (var (_, code) in answers.Where(answer => answer.Code is not null))
        {
            codes?.Add(code!);
        }

        return [.. answers.Select(answer => answer.StatusCode)];
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var gateway in _gateways)
        {
            await gateway.DisposeAsync();
        }

        await Provider.DisposeAsync();
    }

    private sealed class Leaving(SemaphoreSlim room) : IDisposable
    {
        public void Dispose() => room.Release();
    }

    private static async Task<string?> DrainAsync(HttpResponseMessage answer)
    {
        await answer.Content.ReadAsByteArrayAsync();
        return null;
    }
}
