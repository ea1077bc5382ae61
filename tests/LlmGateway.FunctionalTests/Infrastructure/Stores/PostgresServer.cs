using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using Npgsql;

namespace LlmGateway.FunctionalTests.Infrastructure;

/// <summary>
/// A real PostgreSQL server on a free port and a Unix socket, in a temporary folder; one for a test collection, one database for a test.
/// What it writes does not reach the disk's platter, but survives its own sudden end.
/// </summary>
public sealed class PostgresServer : IAsyncLifetime
{
    private const string User = "gateway";
    private const string Password = "canary-pg-7d1f&/:@";

    private static readonly string[] Settings =
    [
        "fsync=off", "full_page_writes=off", "max_connections=50", "shared_buffers=16MB",
        "listen_addresses=127.0.0.1", "log_min_messages=fatal", "max_wal_size=256MB",
    ];

    private readonly ConcurrentQueue<string> _output = new();
    private string _folder = "";
    private Process? _process;
    private int _databases;

    public int Port { get; private set; }

    public async ValueTask InitializeAsync()
    {
        _folder = await StoreUser.CreateFolderAsync("llmgateway-pg-");
        Port = GatewayProcess.FreePort();
        var data = Path.Combine(_folder, "data");
        var passwordFile = Path.Combine(_folder, "password");
        await File.WriteAllTextAsync(passwordFile, Password);
        await StoreUser.RunAsync(StoreUser.StartInfo(
            Program("initdb"), _folder, "-D", data, "-U", User, "--pwfile", passwordFile, "--auth", "scram-sha-256", "--no-sync", "--encoding", "UTF8", "--locale", "C"));
        File.Delete(passwordFile);
        await StartAsync();
    }

    /// <summary>Starts the server again, and comes back when it takes connections.</summary>
    public async Task StartAsync()
    {
        var options = Settings.Append(string.Create(CultureInfo.InvariantCulture, $"port={Port}")).Append($"unix_socket_directories={_folder}").SelectMany(setting => new[] { "-c", setting });
        _output.Clear();
        _process = Process.Start(StoreUser.StartInfo(Program("postgres"), _folder, ["-D", Path.Combine(_folder, "data"), .. options]))!;
        _process.StandardInput.Close();
        _process.OutputDataReceived += (_, line) => _output.Enqueue(line.Data ?? "");
        _process.ErrorDataReceived += (_, line) => _output.Enqueue(line.Data ?? "");
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        await Eventually.AnswersAsync<bool>(
            async () =>
            {
                if (_process.HasExited)
                {
                    throw new InvalidOperationException($"postgres ended with {_process.ExitCode}: {string.Join('\n', _output)}");
                }

                try
                {
                    await ExecuteAsync("postgres", "SELECT 1");
                    return true;
                }
                catch (NpgsqlException)
                {
                    return null;
                }
            },
            "PostgreSQL to start",
            TimeSpan.FromSeconds(60));
    }

    /// <summary>Ends it as a power cut would: connections break, nothing is tidied up (<c>pg_ctl stop -m immediate</c>).</summary>
    public async Task StopImmediatelyAsync()
    {
        await StoreUser.RunAsync(StoreUser.StartInfo(Program("pg_ctl"), _folder, "-D", Path.Combine(_folder, "data"), "stop", "-m", "immediate", "-w"));
        await _process!.WaitForExitAsync();
        _process.Dispose();
        _process = null;
    }

    /// <summary>A new, empty database, as <c>DATABASE_URL</c>.</summary>
    /// <param name="port">Of a proxy in between; null: the server's own.</param>
    public async Task<string> CreateDatabaseAsync(int? port = null)
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"test_{Interlocked.Increment(ref _databases)}");
        await ExecuteAsync("postgres", $"CREATE DATABASE {name}");
        return Url(name, port ?? Port);
    }

    /// <summary>The same database by another way.</summary>
    public string Url(string database, int port) =>
        string.Create(CultureInfo.InvariantCulture, $"postgres://{User}:{Uri.EscapeDataString(Password)}@127.0.0.1:{port}/{database}?sslmode=disable");

    /// <summary>All rows of a query, as an operator would see them, past any proxy.</summary>
    public Task<IReadOnlyList<IReadOnlyDictionary<string, object?>>> QueryAsync(string databaseUrl, string sql) => ReadAsync(NameOf(databaseUrl), sql);

    /// <summary>Ends everybody's connections and takes all that the server allows, until it is disposed.</summary>
    public async Task<IAsyncDisposable> TakeAllConnectionsAsync()
    {
        var taken = new TakenConnections();
        try
        {
            var first = await OpenAsync("postgres");
            taken.Add(first);
            while (true)
            {
                await using (var command = new NpgsqlCommand("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'llm-gateway'", first))
                {
                    await command.ExecuteNonQueryAsync();
                }

                taken.Add(await OpenAsync("postgres"));
            }
        }
        catch (PostgresException full) when (full.SqlState == PostgresErrorCodes.TooManyConnections)
        {
            return taken;
        }
    }

    public Task ExecuteOnAsync(string databaseUrl, string sql) => ExecuteAsync(NameOf(databaseUrl), sql);

    public async ValueTask DisposeAsync()
    {
        if (_process is { HasExited: false })
        {
            await StopImmediatelyAsync();
        }

        Directory.Delete(_folder, recursive: true);
    }

    private static string NameOf(string databaseUrl) => new Uri(databaseUrl).AbsolutePath.Trim('/');

    private static string Program(string name)
    {
        var folder = Directory.Exists("/usr/lib/postgresql")
            ? Directory.GetDirectories("/usr/lib/postgresql").OrderByDescending(folder => int.Parse(Path.GetFileName(folder), CultureInfo.InvariantCulture)).Select(folder => Path.Combine(folder, "bin")).FirstOrDefault()
            : null;
        return folder is null ? name : Path.Combine(folder, name);
    }

    private async Task<NpgsqlConnection> OpenAsync(string database)
    {
        var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder
        {
            Host = "127.0.0.1",
            Port = Port,
            Username = User,
            Password = Password,
            Database = database,
            Pooling = false,
            Timeout = 5,
            SslMode = SslMode.Disable,
            GssEncryptionMode = GssEncryptionMode.Disable,
        }.ToString());
        await connection.OpenAsync();
        return connection;
    }

    private async Task ExecuteAsync(string database, string sql)
    {
        await using var connection = await OpenAsync(database);
#pragma warning disable CA2100
        await using var command = new NpgsqlCommand(sql, connection);
#pragma warning restore CA2100
        await command.ExecuteNonQueryAsync();
    }

    private async Task<IReadOnlyList<IReadOnlyDictionary<string, object?>>> ReadAsync(string database, string sql)
    {
        await using var connection = await OpenAsync(database);
#pragma warning disable CA2100
        await using var command = new NpgsqlCommand(sql, connection);
#pragma warning restore CA2100
        await using var reader = await command.ExecuteReaderAsync();
        var rows = new List<IReadOnlyDictionary<string, object?>>();
        while (await reader.ReadAsync())
        {
            rows.Add(Enumerable.Range(0, reader.FieldCount).ToDictionary(reader.GetName, i => reader.IsDBNull(i) ? null : reader.GetValue(i), StringComparer.Ordinal));
        }

        return rows;
    }

    private sealed class TakenConnections : IAsyncDisposable
    {
        private readonly List<NpgsqlConnection> _connections = [];

        public void Add(NpgsqlConnection connection) => _connections.Add(connection);

        public async ValueTask DisposeAsync()
        {
            foreach (var connection in _connections)
            {
                await connection.DisposeAsync();
            }
        }
    }
}
