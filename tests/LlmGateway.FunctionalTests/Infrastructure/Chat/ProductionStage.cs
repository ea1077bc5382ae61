using System.Globalization;
using System.Text.Json;

namespace LlmGateway.FunctionalTests.Infrastructure;

/// <summary>
/// A gateway in production with two providers: the internal API (<see cref="First"/>) and, behind it as the common fallback, an OpenAI-compatible
/// one named <c>backup</c> (<see cref="Second"/>). Every secret of it is a canary and it logs all it has to say; disposing checks that none came out and that nothing hangs.
/// </summary>
internal sealed class ProductionStage : IAsyncDisposable
{
    public const string Path = "/v1/chat/completions";

    private ProductionStage()
    {
        ClientKey = Canaries.New("sk-client");
        FirstKey = Canaries.New("sk-internal");
        SecondKey = Canaries.New("sk-backup");
        First = ScriptedProvider.OpenAi().ForbidsSecrets(ClientKey, SecondKey);
        Second = ScriptedProvider.OpenAi().ForbidsSecrets(ClientKey, FirstKey);
    }

    public Canaries Canaries { get; } = new();

    public string ClientKey { get; }

    public string FirstKey { get; }

    public string SecondKey { get; }

    public ScriptedProvider First { get; }

    public ScriptedProvider Second { get; }

    public GatewayUnderTest Gateway { get; } = new();

    public LedgerFile Ledger => Gateway.Ledger;

    /// <summary>Settings with <c>backup</c> as a provider.</summary>
    public static string Settings(string backupUrl, string more = "", string llm = "timeout: 20") =>
        $$"""
        llm: { {{llm}} }
        providers:
          backup: { type: openai, base_url: "{{backupUrl}}", api_key: "${BACKUP_KEY}", models: [backup-model] }
        {{more}}
        """;

    /// <summary>An agents file whose common fallback is <c>backup</c>.</summary>
    public static string Agents(string defaults = "", string fallback = """{ "provider": "backup", "model_name": "backup-model" }""", string agents = "", int maxRetries = 3) =>
        $$"""{ "default": { {{defaults}} }, "agents": { {{agents}} }, "fallback_settings": { "enabled": true, "max_retries": {{maxRetries.ToString(CultureInfo.InvariantCulture)}}, "providers": [ {{fallback}} ] } }""";

    /// <summary>Both providers, with the fallback unless <paramref name="agents"/> says otherwise.</summary>
    public static async Task<ProductionStage> StartAsync(string? agents = null, Action<ProductionStage>? configure = null)
    {
        var stage = new ProductionStage();
        stage.Gateway.InProduction(stage.First, stage.ClientKey)
            .WithoutVariable("OLLAMA_BASE_URL")
            .WithVariable("INTERNAL_LLM_API_KEY", stage.FirstKey)
            .WithVariable("BACKUP_KEY", stage.SecondKey)
            .WithVariable("LLM_DEBUG", "true")
            .WithSettings(Settings(stage.Second.BaseUrl))
            .WithAgents(agents ?? Agents());
        configure?.Invoke(stage);
        await stage.Gateway.StartAsync();
        return stage;
    }

    /// <summary>The internal API alone.</summary>
    public static Task<ProductionStage> StartAloneAsync(string defaults = "", Action<ProductionStage>? configure = null) =>
        StartAsync(Agents(defaults, fallback: ""), configure);

    /// <summary>A body that asks for a chat, streamed or not.</summary>
    public static string Body(bool isStreaming, string content = "Hello there", string more = "", string model = "anything") =>
        $$"""{"model":"{{model}}"{{(isStreaming ? ",\"stream\":true" : "")}}{{more}},"messages":[{"role":"user","content":{{JsonSerializer.Serialize(content)}}}]}""";

    /// <summary>A healthy answer in the form that was asked for.</summary>
    public static Script Answer(bool isStreaming, string text = "Well met") =>
        isStreaming ? OpenAiReplies.Stream(text) : Script.Json(OpenAiReplies.Completion(text));

    public Task<ChatAnswer> AskAsync(bool isStreaming, params (string Name, string Value)[] headers) => AskAsync(Body(isStreaming), headers);

    public async Task<ChatAnswer> AskAsync(string body, params (string Name, string Value)[] headers)
    {
        using var response = await OpenAsync(body, headers);
        var answer = await ChatAnswer.ReadAsync(response);
        Canaries.AssertNoCanary(answer.Everything);
        return answer;
    }

    /// <summary>Comes back with the answer's head.</summary>
    public Task<HttpResponseMessage> OpenAsync(string body, params (string Name, string Value)[] headers) =>
        Gateway.OpenStreamAsync(Path, body, [("Authorization", "Bearer " + ClientKey), .. headers]);

    /// <summary>Asks after readiness until it says so; answers all that it says then.</summary>
    public async Task<string> WaitForHealthAsync(string status)
    {
        var text = "";
        await Eventually.AnswersAsync<bool>(
            async () =>
            {
                text = await Gateway.Client.GetStringAsync(new Uri("/health/ready", UriKind.Relative));
                return text.Contains($"\"status\":\"{status}\"", StringComparison.Ordinal) ? true : null;
            },
            $"readiness to say {status}");
        return text;
    }

    /// <summary>A marker of its own goes through after a fault: nothing of the fault is left on any connection.</summary>
    public async Task AssertNothingLeaksAsync(bool isStreaming)
    {
        First.Answers(Answer(isStreaming, "marker"));
        (await AskAsync(isStreaming)).AssertAnswered("marker");
    }

    public async ValueTask DisposeAsync()
    {
        try
        {
            await Gateway.WaitForMetricsAsync(page => page.Sum("llm_gateway_requests_in_flight", ("endpoint", Path)) == 0, "no request to be left in flight");
            Canaries.AssertNoCanary((await Gateway.MetricsAsync()).Text);
            await Gateway.StopAsync();
            Canaries.AssertNoCanary(Gateway.Log.Text);
            Assert.DoesNotContain(Gateway.Log.Lines, line => line.Level is "error" or "critical" or "fatal");
        }
        finally
        {
            await Gateway.DisposeAsync();
            await First.DisposeAsync();
            await Second.DisposeAsync();
        }
    }
}
