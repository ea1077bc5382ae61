using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace LlmGateway.FunctionalTests.Infrastructure;

/// <summary>The gateway as its users start it: a process of its own, with nothing in its environment but what the test gives it.</summary>
internal sealed class GatewayProcess : IAsyncDisposable
{
    public const int SigHup = 1;
    public const int SigInt = 2;
    public const int SigQuit = 3;
    public const int SigTerm = 15;
    public const int SigCont = 18;
    public const int SigStop = 19;

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    /// <summary>Of this process's variables.</summary>
    private static readonly string[] Usual = ["PATH", "HOME", "DOTNET_ROOT"];

    private readonly Process _process;
    private readonly (string Name, string Value)[] _variables;
    private readonly ConcurrentQueue<string> _output = new();
    private readonly ConcurrentQueue<string> _errors = new();
    private readonly Task _reading;
    private readonly TraceFile? _trace;
    private HttpClient? _client;

    private GatewayProcess(Process process, (string Name, string Value)[] variables, TraceFile? trace)
    {
        _process = process;
        _variables = variables;
        _trace = trace;
        _reading = Task.WhenAll(ReadAsync(process.StandardOutput, _output), ReadAsync(process.StandardError, _errors));
    }

    /// <summary>Lines of standard output so far.</summary>
    public IReadOnlyList<string> Output => [.. _output];

    /// <summary>Standard error so far.</summary>
    public string Errors => string.Join('\n', _errors);

    public string AllText => string.Join('\n', _output) + "\n" + Errors;

    public int Id => _process.Id;

    public HttpClient Client => _client ?? throw new InvalidOperationException("Not started.");

    /// <summary>Where all that it wrote is kept for the scan of the whole run.</summary>
    public KeptOutput? Kept { get; set; } = KeptOutput.OfThisRun;

    /// <summary>What is in nothing that it wrote, down to Trace; its variables' secrets are not in any case.</summary>
    public Canaries? Canaries { get; set; }

    /// <summary>Starts the process; what it listens at is chosen by the arguments, a free port of 127.0.0.1 without any.</summary>
    public static GatewayProcess Start(GatewayFolder folder, string[] args, params (string Name, string Value)[] variables) =>
        Start(Command(folder, args), Usual, variables);

    /// <summary>For tests that measure it: it writes its own log alone, none at Trace beside it. What they have it do is traced in <see cref="TracedLoadTests"/>.</summary>
    public static GatewayProcess StartWithoutTrace(GatewayFolder folder, string[] args, params (string Name, string Value)[] variables) =>
        Start(Command(folder, args), Usual, variables, trace: null);

    /// <summary>Starts a command of the test's own; of this process's variables it gets only those that are kept.</summary>
    public static GatewayProcess Start(ProcessStartInfo start, string[] kept, params (string Name, string Value)[] variables) =>
        Start(start, kept, variables, new TraceFile());

    /// <summary>What starts a gateway, for tests that put something before it.</summary>
    public static ProcessStartInfo Command(GatewayFolder folder, string[] args) =>
        new("dotnet", [Path.Combine(AppContext.BaseDirectory, "LlmGateway.dll"), .. args]) { WorkingDirectory = folder.Path };

    /// <summary>A port that was free a moment ago on both loopbacks.</summary>
    public static int FreePort()
    {
        using var socket = new Socket(AddressFamily.InterNetworkV6, SocketType.Stream, ProtocolType.Tcp) { DualMode = true };
        socket.Bind(new IPEndPoint(IPAddress.IPv6Any, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }

    /// <summary>Waits until it says that it has started, and answers the first address at which it listens.</summary>
    public async Task<Uri> WaitForStartAsync()
    {
        await Eventually.TrueAsync(() => _process.HasExited || StartLine() is not null, "the process to start", Limit);
        using var line = JsonDocument.Parse(StartLine() ?? throw new InvalidOperationException("It ended instead:\n" + AllText));
        var address = new Uri(line.RootElement.GetProperty("urls").GetString()!.Split(", ")[0]);
        _client = NewClient(address);
        return address;
    }

    /// <summary>For one whose log goes elsewhere: waits until it answers at its address.</summary>
    public Task WaitForAnswerAsync(Uri address)
    {
        _client = NewClient(address);
        return Eventually.AnswersAsync<bool>(
            async () =>
            {
                if (_process.HasExited)
                {
                    throw new InvalidOperationException("It ended instead:\n" + AllText);
                }

                try
                {
                    using var response = await _client.GetAsync(new Uri("/health/live", UriKind.Relative));
                    return response.IsSuccessStatusCode ? true : null;
                }
                catch (HttpRequestException)
                {
                    return null;
                }
            },
            "the process to answer",
            Limit);
    }

    public async Task<MetricsPage> MetricsAsync() => MetricsPage.Parse(await Client.GetStringAsync(new Uri("/metrics", UriKind.Relative)));

    public Task<MetricsPage> WaitForMetricsAsync(Func<MetricsPage, bool> condition, string what) => MetricsPage.WaitForAsync(MetricsAsync, condition, what);

    /// <summary>Waits for the end and answers the exit code; everything that it wrote has then been read.</summary>
    public async Task<int> WaitForExitAsync()
    {
        using var limit = new CancellationTokenSource(Limit);
        await _process.WaitForExitAsync(limit.Token);
        await _reading.WaitAsync(limit.Token);
        return _process.ExitCode;
    }

    public async Task<int> TerminateAsync()
    {
        Signal(SigTerm);
        return await WaitForExitAsync();
    }

    public void Signal(int signal) => Assert.Equal(0, Kill(_process.Id, signal));

    /// <summary>A line of the log that holds this text, waiting for it if need be.</summary>
    public async Task<string> WaitForLineAsync(string text)
    {
        string? line = null;
        await Eventually.TrueAsync(() => (line = _output.FirstOrDefault(one => one.Contains(text, StringComparison.Ordinal))) is not null, $"the line \"{text}\"");
        return line!;
    }

    public async ValueTask DisposeAsync()
    {
        _client?.Dispose();
        if (!_process.HasExited)
        {
            _process.Kill();
            await WaitForExitAsync();
        }

        // What is killed leaves the runtime's own socket behind.
        Array.ForEach(Directory.GetFiles("/tmp", $"dotnet-diagnostic-{_process.Id}-*-socket"), File.Delete);
        _process.Dispose();
        Kept?.Keep("process", AllText);
        var variables = _variables.Select(variable => KeyValuePair.Create(variable.Name, variable.Value)).ToList();
        SecretScan.AssertNone(variables, AllText);
        Canaries?.AssertNoCanary(AllText);
        using (_trace)
        {
            Canaries?.AssertNoCanary(_trace?.ReadAll());
            _trace?.Finish("process-trace", variables, Kept, StartLine() is not null);
        }
    }

    private static GatewayProcess Start(ProcessStartInfo start, string[] kept, (string Name, string Value)[] variables, TraceFile? trace)
    {
        (start.RedirectStandardOutput, start.RedirectStandardError, start.UseShellExecute) = (true, true, false);
        foreach (var name in start.Environment.Keys.Except(kept).ToArray())
        {
            start.Environment.Remove(name);
        }

        foreach (var (name, value) in variables)
        {
            start.Environment[name] = value;
        }

        if (trace is not null)
        {
            start.Environment["DOTNET_STARTUP_HOOKS"] = typeof(StartupHook).Assembly.Location;
            start.Environment[TraceFile.Variable] = trace.Path;
        }

        return new GatewayProcess(Process.Start(start)!, variables, trace);
    }

    private static HttpClient NewClient(Uri address) => new(new SocketsHttpHandler { UseProxy = false, UseCookies = false }) { BaseAddress = address };

    private string? StartLine() => _output.FirstOrDefault(line => line.Contains("Gateway started", StringComparison.Ordinal));

    private static async Task ReadAsync(StreamReader reader, ConcurrentQueue<string> lines)
    {
        while (await reader.ReadLineAsync() is { } line)
        {
            lines.Enqueue(line);
        }
    }

    [DllImport("libc", EntryPoint = "kill", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Kill(int process, int signal);
}
