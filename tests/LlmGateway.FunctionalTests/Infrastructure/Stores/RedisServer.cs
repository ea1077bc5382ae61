using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace LlmGateway.FunctionalTests.Infrastructure;

/// <summary>A real Redis on a free port, in a temporary folder, that keeps nothing on disk; one for a test collection, one database number or key prefix for a test.</summary>
public sealed class RedisServer : IAsyncLifetime
{
    private string _folder = "";
    private Process? _process;

    public int Port { get; private set; }

    /// <summary>As <c>REDIS_URL</c>.</summary>
    public string Url => UrlAt(Port);

    public static string UrlAt(int port, int database = 0) => string.Create(CultureInfo.InvariantCulture, $"redis://127.0.0.1:{port}/{database}");

    public async ValueTask InitializeAsync()
    {
        _folder = Directory.CreateTempSubdirectory("llmgateway-redis-").FullName;
        Port = GatewayProcess.FreePort();
        await StartAsync();
    }

    /// <summary>Starts it, or starts it again, and comes back when it answers.</summary>
    public async Task StartAsync()
    {
        var start = new ProcessStartInfo("redis-server")
        {
            WorkingDirectory = _folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        foreach (var argument in new[]
        {
            "--port", Port.ToString(CultureInfo.InvariantCulture), "--bind", "127.0.0.1", "--unixsocket", Path.Combine(_folder, "redis.sock"),
            "--save", "", "--appendonly", "no", "--databases", "64", "--enable-debug-command", "local", "--dir", _folder,
        })
        {
            start.ArgumentList.Add(argument);
        }

        _process = Process.Start(start)!;
        _process.OutputDataReceived += static (_, _) => { };
        _process.ErrorDataReceived += static (_, _) => { };
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        await Eventually.AnswersAsync<bool>(
            async () =>
            {
                if (_process.HasExited)
                {
                    throw new InvalidOperationException($"redis-server ended with {_process.ExitCode}");
                }

                try
                {
                    return await CommandAsync("PING") == "+PONG" ? true : null;
                }
                catch (Exception notYet) when (notYet is SocketException or IOException)
                {
                    return null;
                }
            },
            "Redis to start");
    }

    /// <summary>Ends it with SIGKILL.</summary>
    public async Task KillAsync()
    {
        _process!.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
        _process = null;
    }

    /// <summary>It takes connections and commands, and answers none for so long.</summary>
    public async Task PauseAsync(TimeSpan time) =>
        Assert.Equal("+OK", await CommandAsync("CLIENT", "PAUSE", ((int)time.TotalMilliseconds).ToString(CultureInfo.InvariantCulture), "ALL"));

    /// <summary>
    /// The same for whatever writes, scripts among them, until <see cref="UnpauseAsync"/>; of a pause of all commands nobody could tell it to stop.
    /// </summary>
    public async Task PauseWritesAsync() => Assert.Equal("+OK", await CommandAsync("CLIENT", "PAUSE", "60000", "WRITE"));

    public async Task UnpauseAsync() => Assert.Equal("+OK", await CommandAsync("CLIENT", "UNPAUSE"));

    /// <summary>It stops in its tracks for so long; comes back when it has begun to.</summary>
    public async Task SleepAsync(TimeSpan time)
    {
        using var client = await ConnectAsync();
        await SendAsync(client, ["DEBUG", "SLEEP", time.TotalSeconds.ToString(CultureInfo.InvariantCulture)]);
    }

    /// <summary>One command on a connection of its own; answers the first line of the reply, or of a bulk text the text.</summary>
    public async Task<string> CommandAsync(params string[] command)
    {
        using var client = await ConnectAsync();
        return await AskAsync(client, command);
    }

    /// <summary>One command for which it wants a password.</summary>
    public async Task<string> LoginCommandAsync(string password, params string[] command)
    {
        using var client = await ConnectAsync();
        await SendAsync(client, ["AUTH", password]);
        var answer = new byte[5];
        await client.GetStream().ReadExactlyAsync(answer);
        return Encoding.ASCII.GetString(answer) == "+OK\r\n" ? await AskAsync(client, command) : "the password was refused";
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is not null)
        {
            await KillAsync();
        }

        Directory.Delete(_folder, recursive: true);
    }

    private static async Task<string> AskAsync(TcpClient client, string[] command)
    {
        await SendAsync(client, command);
        using var reader = new StreamReader(client.GetStream(), Encoding.UTF8);
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        var line = await reader.ReadLineAsync(limit.Token) ?? "";
        return line is ['$', not '-', ..] ? await reader.ReadLineAsync(limit.Token) ?? "" : line;
    }

    private async Task<TcpClient> ConnectAsync()
    {
        var client = new TcpClient();
        await client.ConnectAsync("127.0.0.1", Port);
        return client;
    }

    private static async Task SendAsync(TcpClient client, string[] command)
    {
        var text = new StringBuilder().Append(CultureInfo.InvariantCulture, $"*{command.Length}\r\n");
        foreach (var part in command)
        {
            text.Append(CultureInfo.InvariantCulture, $"${Encoding.UTF8.GetByteCount(part)}\r\n{part}\r\n");
        }

        await client.GetStream().WriteAsync(Encoding.UTF8.GetBytes(text.ToString()));
    }
}
