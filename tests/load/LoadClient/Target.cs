using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace LoadClient;

/// <summary>A process of the comparison, started and stopped by its own process id.</summary>
internal sealed class Target : IAsyncDisposable
{
    private static readonly double TicksPerSecond = 100; // USER_HZ of every Linux that .NET runs on

    private readonly Process _process;

    private Target(string name, string baseUrl, Process process) => (Name, BaseUrl, _process) = (name, baseUrl, process);

    public string Name { get; }

    public string BaseUrl { get; }

    /// <summary>Starts <c>dotnet DLL ARGUMENTS</c> with an environment of its own; its output goes to a file in the folder.</summary>
    public static Target Start(string name, string folder, string dll, Func<string, string[]> arguments, params (string Name, string Value)[] variables)
    {
        Directory.CreateDirectory(folder);
        var url = string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{FreePort()}");
        string[] command = ["exec \"$@\" >output.log 2>&1", "sh", Environment.ProcessPath is { } host && Path.GetFileName(host) == "dotnet" ? host : "dotnet", dll, .. arguments(url)];
        var start = new ProcessStartInfo("/bin/sh", ["-c", .. command]) { WorkingDirectory = folder, UseShellExecute = false };
        foreach (var inherited in start.Environment.Keys.Where(key => key.StartsWith("DOTNET_gc", StringComparison.OrdinalIgnoreCase) || key.StartsWith("ASPNETCORE_", StringComparison.Ordinal)).ToList())
        {
            start.Environment.Remove(inherited);
        }

        foreach (var (key, value) in variables.Prepend(("DOTNET_EnableDiagnostics", "0")).Prepend(("DOTNET_TieredPGO", "1")).Prepend(("DOTNET_gcServer", "0")))
        {
            start.Environment[key] = value;
        }

        return new Target(name, url, Process.Start(start)!);
    }

    /// <summary>Processor time so far, user and system.</summary>
    public TimeSpan ProcessorTime()
    {
        // Fields 14 and 15, counted behind the command's name, which may hold spaces.
        var stat = File.ReadAllText($"/proc/{_process.Id}/stat");
        var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        return TimeSpan.FromSeconds((Ticks(fields[11]) + Ticks(fields[12])) / TicksPerSecond);
    }

    /// <summary>Largest resident memory so far, in MiB.</summary>
    public long PeakMemory() =>
        File.ReadLines($"/proc/{_process.Id}/status").Where(line => line.StartsWith("VmHWM:", StringComparison.Ordinal))
            .Select(line => long.Parse(line.AsSpan(6).Trim().TrimEnd("kB").Trim(), CultureInfo.InvariantCulture) / 1024).Single();

    /// <summary>Waits until it answers below 500.</summary>
    public async Task WaitUntilUpAsync(HttpClient client, string path, CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(TimeSpan.FromSeconds(60));
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        while (await timer.WaitForNextTickAsync(limit.Token))
        {
            if (_process.HasExited)
            {
                throw new InvalidOperationException($"{Name} has ended with {_process.ExitCode}; see its output.log");
            }

            try
            {
                using var response = await client.GetAsync(new Uri(BaseUrl + path), limit.Token);
                if ((int)response.StatusCode < 500)
                {
                    return;
                }
            }
            catch (HttpRequestException)
            {
                // Not listening yet.
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
            await _process.WaitForExitAsync();
        }

        _process.Dispose();
    }

    private static double Ticks(string field) => double.Parse(field, CultureInfo.InvariantCulture);

    private static int FreePort()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }
}
