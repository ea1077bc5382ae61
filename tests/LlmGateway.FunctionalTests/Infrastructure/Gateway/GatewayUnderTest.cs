using System.Text;
using LlmGateway.Telemetry;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace LlmGateway.FunctionalTests.Infrastructure;

/// <summary>
/// A whole gateway on a real socket, with variables, files and a working directory of its own. Describe it with the <c>With…</c> methods,
/// then <see cref="StartAsync"/>; what it logged is in <see cref="Log"/>. Beside that it says all it has to say to a file that the scan for secrets reads.
/// </summary>
internal sealed class GatewayUnderTest : IAsyncDisposable
{
    private readonly Dictionary<string, string> _variables = new(StringComparer.Ordinal)
    {
        // Nothing of the machine that runs the tests may answer: the default address could be a real Ollama.
        ["OLLAMA_BASE_URL"] = NoProvider,
    };

    private readonly List<Action<IServiceCollection>> _services = [];
    private WebApplication? _app;
    private HttpClient? _client;
    private TraceFile? _trace = new();
    private bool _allowsUnhandledExceptions;
    private bool _hasStarted;

    /// <summary>An address that refuses every connection (port 1 on loopback).</summary>
    public const string NoProvider = "http://127.0.0.1:1";

    private const int TraceBuffer = 64 * 1024;

    public GatewayFolder Folder { get; } = new();

    public CapturedLog Log { get; } = new();

    /// <summary>Where all that it wrote is kept for the scan of the whole run.</summary>
    public KeptOutput? Kept { get; init; } = KeptOutput.OfThisRun;

    public LedgerFile Ledger => new(Path.Combine(Folder.Path, "data", "gateway.db"));

    public string BaseUrl => (_app ?? throw new InvalidOperationException("Not started.")).Urls.First();

    /// <summary>A client without credentials of its own; no proxy, no redirects, no limit.</summary>
    public HttpClient Client => _client ??= CreateClient();

    public IServiceProvider Services => _app!.Services;

    public GatewayUnderTest WithEnvironment(string name) => WithVariable("ENVIRONMENT", name);

    public GatewayUnderTest WithVariable(string name, string value)
    {
        _variables[name] = value;
        return this;
    }

    public GatewayUnderTest WithoutVariable(string name)
    {
        _variables.Remove(name);
        return this;
    }

    public GatewayUnderTest WithAgents(string json) => WithFile(GatewayFolder.Agents, json);

    public GatewayUnderTest WithSettings(string yaml) => WithFile(GatewayFolder.Settings, yaml);

    public GatewayUnderTest WithKeys(string json) => WithFile(GatewayFolder.Keys, json);

    /// <summary>Replaces services, a clock say.</summary>
    public GatewayUnderTest WithServices(Action<IServiceCollection> configure)
    {
        _services.Add(configure);
        return this;
    }

    /// <summary>For tests that break the gateway itself: an exception in the log is then what they want.</summary>
    public GatewayUnderTest AllowsUnhandledExceptions()
    {
        _allowsUnhandledExceptions = true;
        return this;
    }

    /// <summary>For tests that measure it: it writes its own log alone, none at Trace beside it.</summary>
    public GatewayUnderTest WithoutTrace()
    {
        _trace?.Dispose();
        _trace = null;
        return this;
    }

    /// <summary>Production with this provider as the internal API and one client key.</summary>
    public GatewayUnderTest InProduction(ScriptedProvider internalApi, string clientKey = "sk-client", string model = "internal-model") =>
        WithEnvironment("production")
            .WithVariable("INTERNAL_LLM_BASE_URL", internalApi.BaseUrl + "/v1")
            .WithVariable("INTERNAL_LLM_MODEL", model)
            .WithVariable("GATEWAY_API_KEYS", "test:" + clientKey);

    public async Task<GatewayUnderTest> StartAsync()
    {
        _app = GatewayHost.Build(new HostInputs
        {
            Args = ["--urls", "http://127.0.0.1:0"],
            WorkingDirectory = Folder.Path,
            Variables = _variables,
            ConfigureServices = services =>
            {
                services.AddSingleton(provider => new LogOutput(
                    Log, LogFormat.Json, provider.GetRequiredService<GatewayMetrics>(), provider.GetRequiredService<TimeProvider>()));
                if (_trace is not null)
                {
                    TraceLogProvider.AddTo(services, _trace.Path, TraceBuffer);
                }

                _services.ForEach(configure => configure(services));
            },
        });
        await _app.StartAsync();
        _hasStarted = true;
        return this;
    }

    public HttpClient CreateClient() => new(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false, UseCookies = false })
    {
        BaseAddress = new Uri(BaseUrl),
        Timeout = Timeout.InfiniteTimeSpan,
    };

    public HttpRequestMessage Post(string path, string json, params (string Name, string Value)[] headers)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new StringContent(json, Encoding.UTF8, "application/json") };
        foreach (var (name, value) in headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        return request;
    }

    /// <summary>Posts and reads the whole answer.</summary>
    public async Task<HttpResponseMessage> SendAsync(string path, string json, params (string Name, string Value)[] headers)
    {
        using var limit = new CancellationTokenSource(Eventually.DefaultLimit * 3);
        using var request = Post(path, json, headers);
        return await Client.SendAsync(request, limit.Token);
    }

    /// <summary>Posts and comes back with the answer's head; the caller reads the stream and disposes the answer.</summary>
    public async Task<HttpResponseMessage> OpenStreamAsync(string path, string json, params (string Name, string Value)[] headers)
    {
        using var limit = new CancellationTokenSource(Eventually.DefaultLimit * 3);
        using var request = Post(path, json, headers);
        return await Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, limit.Token);
    }

    public async Task<MetricsPage> MetricsAsync()
    {
        using var response = await Client.GetAsync(new Uri("/metrics", UriKind.Relative));
        return MetricsPage.Parse(await response.EnsureSuccessStatusCode().Content.ReadAsStringAsync());
    }

    /// <summary>Asks for metrics until the condition holds: what is counted after the answer has gone out needs a moment.</summary>
    public Task<MetricsPage> WaitForMetricsAsync(Func<MetricsPage, bool> condition, string what) => MetricsPage.WaitForAsync(MetricsAsync, condition, what);

    /// <summary>Stops the gateway in good order and keeps its folder, so that it can be started again.</summary>
    public async Task StopAsync()
    {
        _client?.Dispose();
        _client = null;
        if (_app is not null)
        {
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(10));
            await _app.StopAsync(limit.Token);
            await _app.DisposeAsync();
            _app = null;
        }
    }

    /// <summary>Stops, and throws if the log tells of an exception that nobody caught.</summary>
    public async ValueTask DisposeAsync()
    {
        try
        {
            await StopAsync();
            if (!_allowsUnhandledExceptions && Log.Lines.FirstOrDefault(line => line.ToString().Contains("unhandled exception", StringComparison.OrdinalIgnoreCase)) is { } unhandled)
            {
                throw new InvalidOperationException($"The gateway let an exception through: {unhandled}");
            }

            Kept?.Keep("gateway", Log.Text);
            SecretScan.AssertNone(_variables, Log.Text);
            _trace?.Finish("gateway-trace", _variables, Kept, _hasStarted);
        }
        finally
        {
            _trace?.Dispose();
            Folder.Dispose();
        }
    }

    private GatewayUnderTest WithFile(string name, string content)
    {
        Folder.Rewrite(name, content);
        return this;
    }
}
