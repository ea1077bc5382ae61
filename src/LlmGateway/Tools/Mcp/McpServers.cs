using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using LlmGateway.Configuration;
using LlmGateway.Model;

namespace LlmGateway.Tools.Mcp;

/// <summary>
/// The MCP servers of the settings file, and no others: no request can name an address or a command. A reload leaves unchanged servers
/// connected and stops those that were changed or removed; all are stopped with the gateway.
/// </summary>
internal sealed class McpServers : BackgroundService
{
    private readonly GatewayConfigSource _configuration;
    private readonly TimeProvider _time;
    private readonly ILogger<McpServer> _logger;
    private readonly ConditionalWeakTable<McpServerConfig, McpServer> _byConfig = [];
    private readonly ConcurrentDictionary<string, McpServer> _servers = new(StringComparer.Ordinal);
    private readonly Channel<bool> _changes = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    public McpServers(GatewayConfigSource configuration, TimeProvider time, ILogger<McpServer> logger)
    {
        _configuration = configuration;
        _time = time;
        _logger = logger;
        _configuration.FileJudged += OnFileJudged;
    }

    /// <summary>Servers that have been used and are in force.</summary>
    internal int Count => _servers.Count;

    /// <summary>The tools of a server; none where it is no longer in force or cannot be reached.</summary>
    public ValueTask<IReadOnlyList<ITool>> ToolsOfAsync(McpServerConfig config, CancellationToken cancellationToken)
    {
        if (!_byConfig.TryGetValue(config, out var server))
        {
            var identity = Identity(config);
            if (!IsInForce(config.Name, identity))
            {
                return new([]);
            }

            server = _servers.GetOrAdd(identity, static (_, made) => new McpServer(made.config, made.time, made.logger), (config, time: _time, logger: _logger));
            _byConfig.TryAdd(config, server);
        }

        return server.ToolsAsync(cancellationToken);
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        _configuration.FileJudged -= OnFileJudged;
        await base.StopAsync(cancellationToken);
        await Task.WhenAll(_servers.Keys.Select(StopAsync));
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            await foreach (var _ in _changes.Reader.ReadAllAsync(stoppingToken))
            {
                var current = _configuration.Current.McpServers.Values.Select(Identity).ToHashSet(StringComparer.Ordinal);
                await Task.WhenAll(_servers.Keys.Where(identity => !current.Contains(identity)).Select(StopAsync));
            }
        }
        catch (OperationCanceledException)
        {
        }
    }

    private void OnFileJudged(ConfigReload reload) => _changes.Writer.TryWrite(true);

    private bool IsInForce(string name, string identity) =>
        _configuration.Current.McpServers.TryGetValue(name, out var current) && Identity(current) == identity;

    private async Task StopAsync(string identity)
    {
        if (_servers.TryRemove(identity, out var server))
        {
            await server.DisposeAsync();
        }
    }

    /// <summary>All that is configured of a server: two that agree in it are one.</summary>
    private static string Identity(McpServerConfig config) => string.Join('\n', (string?[])
    [
        config.Name,
        config.Url?.AbsoluteUri,
        config.Command,
        .. config.Arguments.Select(argument => $"a {argument}"),
        .. config.Headers.Select(header => $"h {header.Key}: {header.Value}"),
        .. config.Environment.Select(variable => $"e {variable.Key}={variable.Value}"),
    ]);
}
