using LlmGateway.Model;

namespace LlmGateway.ModelTests.Checks;

/// <summary>Whether MCP servers can be reached, or their commands found. Nothing is started.</summary>
internal sealed class McpCheck(IReadOnlyDictionary<string, string> variables, string workingDirectory, TimeProvider time)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    public async Task<IReadOnlyList<CheckFinding>> RunAsync(IEnumerable<McpServerConfig> servers, CancellationToken cancellationToken) =>
        await Task.WhenAll(servers.OrderBy(server => server.Name, StringComparer.Ordinal).Select(server => server.Url is null
            ? Task.FromResult(FindCommand(server))
            : ReachAsync(server, server.Url, cancellationToken)));

    private CheckFinding FindCommand(McpServerConfig server)
    {
        var command = server.Command ?? "";
        var hasFolder = command.Contains('/', StringComparison.Ordinal) || command.Contains('\\', StringComparison.Ordinal);
        var found = hasFolder
            ? Path.GetFullPath(command, workingDirectory) is var path && IsProgram(path) ? path : null
            : Folders().Select(folder => Path.Combine(folder, command)).FirstOrDefault(IsProgram);
        return found is not null
            ? CheckFinding.Ok(server.Name, $"its command is {found}")
            : CheckFinding.Failed(server.Name, $"its command \"{command}\" is not found", hasFolder ? "Check the path, and that it may be executed." : "Install it, or write its whole path; it is looked for in PATH.");
    }

    private string[] Folders() => (variables.GetValueOrDefault("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries);

    private static bool IsProgram(string path) =>
        OperatingSystem.IsWindows()
            ? File.Exists(path) || File.Exists(path + ".exe") || File.Exists(path + ".cmd")
            : File.Exists(path) && (File.GetUnixFileMode(path) & (UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute)) != 0;

    private async Task<CheckFinding> ReachAsync(McpServerConfig server, Uri url, CancellationToken cancellationToken)
    {
        var address = url.GetLeftPart(UriPartial.Authority);
        using var limit = new CancellationTokenSource(Patience, time);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        using var client = new HttpMessageInvoker(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false, UseCookies = false });
        using var message = new HttpRequestMessage(HttpMethod.Get, url);
        message.Headers.TryAddWithoutValidation("Accept", "text/event-stream");
        foreach (var (name, value) in server.Headers)
        {
            message.Headers.TryAddWithoutValidation(name, value);
        }

        try
        {
            using var response = await client.SendAsync(message, linked.Token);
            return (int)response.StatusCode switch
            {
                401 or 403 => CheckFinding.Failed(server.Name, $"refuses the gateway (status {(int)response.StatusCode})", "Check its headers under mcp_servers."),
                404 or (>= 500 and not 501) => CheckFinding.Failed(server.Name, $"answers with status {(int)response.StatusCode} at {address}", "Check its url: it must lead to the MCP endpoint itself."),

                // A server that offers no stream of its own says 405 here, one that wants a session first 400.
                _ => CheckFinding.Ok(server.Name, $"reachable at {address}"),
            };
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException or OperationCanceledException)
        {
            cancellationToken.ThrowIfCancellationRequested();
            return CheckFinding.Failed(server.Name, $"cannot be reached at {address}", "Start it, or check its url under mcp_servers.");
        }
    }
}
