using System.Globalization;
using Npgsql;

namespace LlmGateway.FunctionalTests.Infrastructure;

/// <summary>A PostgreSQL of a test's own: a new cluster in a temporary folder, on a free port of loopback and a Unix socket, gone when done.</summary>
internal sealed class PostgresServer : IAsyncDisposable
{
    private readonly string _folder;
    private readonly ServerProcess _process;

    private PostgresServer(string folder, int port, ServerProcess process)
    {
        (_folder, Port, _process) = (folder, port, process);
        Source = NpgsqlDataSource.Create(string.Create(CultureInfo.InvariantCulture, $"Host=127.0.0.1;Port={port};Username=postgres;Database=postgres;Timeout=5;Include Error Detail=true"));
    }

    public int Port { get; }

    /// <summary>As <c>DATABASE_URL</c> wants it.</summary>
    public string Url => string.Create(CultureInfo.InvariantCulture, $"postgres://postgres@127.0.0.1:{Port}/postgres?sslmode=disable");

    public NpgsqlDataSource Source { get; }

    public static async Task<PostgresServer> StartAsync()
    {
        var folder = Directory.CreateTempSubdirectory("llmgateway-postgres-").FullName;

        // The server refuses to run as root and makes its own folder, as another user, inside this one.
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(folder, (UnixFileMode)0b111_111_111);
        }

        var data = Path.Combine(folder, "data");
        await ServerProcess.RunAsync(folder, "env", AsPlainUser(Program("initdb"), "-D", data, "-U", "postgres", "--auth=trust", "--no-sync", "--encoding=UTF8", "--no-locale"));
        var port = GatewayProcess.FreePort();
        var process = ServerProcess.Start(folder, "env", AsPlainUser(
            Program("postgres"), "-D", data, "-k", folder, "-p", port.ToString(CultureInfo.InvariantCulture), "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off", "-c", "max_connections=50"));
        var server = new PostgresServer(folder, port, process);
        await process.WaitUntilAsync(server.AnswersAsync, "ready for connections");
        return server;
    }

    public async Task ExecuteAsync(string sql)
    {
        await using var command = Source.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }

    /// <summary>All rows, each by column name; SQL's NULL is null.</summary>
    public async Task<IReadOnlyList<IReadOnlyDictionary<string, object?>>> QueryAsync(string sql)
    {
        await using var command = Source.CreateCommand(sql);
        await using var reader = await command.ExecuteReaderAsync();
        var rows = new List<IReadOnlyDictionary<string, object?>>();
        while (await reader.ReadAsync())
        {
            rows.Add(Enumerable.Range(0, reader.FieldCount).ToDictionary(reader.GetName, column => reader.IsDBNull(column) ? null : reader.GetValue(column)));
        }

        return rows;
    }

    public async ValueTask DisposeAsync()
    {
        await Source.DisposeAsync();
        await _process.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private async ValueTask<bool> AnswersAsync()
    {
        try
        {
            await using var connection = await Source.OpenConnectionAsync();
            return true;
        }
        catch (NpgsqlException)
        {
            return false;
        }
    }

    private static string[] AsPlainUser(params string[] command) =>
        Environment.IsPrivilegedProcess ? ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", .. command] : command;

    /// <summary>Debian keeps the servers' programs out of the path, by version.</summary>
    private static string Program(string name) =>
        Directory.Exists("/usr/lib/postgresql")
            ? Directory.GetDirectories("/usr/lib/postgresql").Order(StringComparer.Ordinal).Select(version => Path.Combine(version, "bin", name)).LastOrDefault(File.Exists) ?? name
            : name;
}
