using System.Diagnostics;
using System.Net;
using System.Text.Json;
using LlmGateway.Model;
using ModelContextProtocol;
using ModelContextProtocol.Client;
using ModelContextProtocol.Protocol;

namespace LlmGateway.Tools.Mcp;

/// <summary>
/// One configured MCP server: connected when it is first needed, and again when the connection is lost. What it cannot do is an error text for
/// the model, and never holds a request up for long.
/// </summary>
internal sealed partial class McpServer : IAsyncDisposable
{
    private const int MaxPages = 20;

    /// <summary>How long a request waits for a connection; making it may go on behind its back.</summary>
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(10);

    /// <summary>After a failure no new connection is tried for this long.</summary>
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(5);

    private readonly McpServerConfig _config;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly McpPins _pins;
    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _stopping = new();
    private Task<McpClient?>? _connecting;
    private McpClient? _client;
    private long _failedAt;
    private bool _isDisposed;
    private volatile bool _isStale;
    private volatile IReadOnlyList<ITool> _tools = [];

    public McpServer(McpServerConfig config, TimeProvider time, ILogger logger)
    {
        _config = config;
        _time = time;
        _logger = logger;
        _pins = new McpPins(config.Name, logger);
    }

    /// <summary>The tools; those last seen where the server cannot be reached, whose calls then say so.</summary>
    public async ValueTask<IReadOnlyList<ITool>> ToolsAsync(CancellationToken cancellationToken)
    {
        await ConnectionAsync(cancellationToken);
        return _tools;
    }

    public async ValueTask<ToolOutput> CallAsync(string tool, JsonElement arguments, CancellationToken cancellationToken)
    {
        // The client library would tell the server of the request's trace.
        Activity.Current = null;
        var parameters = new CallToolRequestParams { Name = tool, Arguments = arguments.EnumerateObject().ToDictionary(member => member.Name, member => member.Value) };
        for (var isFirst = true; ; isFirst = false)
        {
            if (await ConnectionAsync(cancellationToken) is not { } client)
            {
                return Unreachable();
            }

            try
            {
                return McpResult.Read(await client.CallToolAsync(parameters, cancellationToken));
            }
            catch (McpProtocolException exception)
            {
                return ToolOutput.Error($"The MCP server '{_config.Name}' refused the call: {McpText.Clean(exception.Message)}");
            }
            catch (Exception exception) when (exception is HttpRequestException or IOException or McpException or ObjectDisposedException or InvalidOperationException or JsonException)
            {
                await ForgetAsync(client);
                if (!isFirst || exception is not HttpRequestException { StatusCode: HttpStatusCode.NotFound })
                {
                    Log.CallFailed(_logger, _config.Name, exception.GetType().Name);
                    return Unreachable();
                }

                // The server has forgotten the session, and so has not taken the call.
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        Task<McpClient?>? connecting;
        lock (_gate)
        {
            if (_isDisposed)
            {
                return;
            }

            _isDisposed = true;
            connecting = _connecting;
        }

        await _stopping.CancelAsync();
        if (connecting is not null)
        {
            await connecting;
        }

        if (_client is { } client)
        {
            await client.DisposeAsync();
        }

        _stopping.Dispose();
    }

    private ToolOutput Unreachable() => ToolOutput.Error($"The MCP server '{_config.Name}' cannot be reached.");

    /// <summary>The connection, made if need be and with a fresh list of tools; null where there is none in time.</summary>
    private async ValueTask<McpClient?> ConnectionAsync(CancellationToken cancellationToken)
    {
        Task<McpClient?> connecting;
        lock (_gate)
        {
            if (_client is { Completion.IsCompleted: false } && !_isStale)
            {
                return _client;
            }

            if (_isDisposed)
            {
                return null;
            }

            if (_connecting is { IsCompleted: false } || _client is { Completion.IsCompleted: false })
            {
                connecting = _connecting!;
            }
            else if (_failedAt != 0 && _time.GetElapsedTime(_failedAt) < Pause)
            {
                return null;
            }
            else
            {
                // A connection outlives the request that first needs it: nothing of that request goes with it.
                using var flow = ExecutionContext.SuppressFlow();
                (connecting, _client) = (_connecting = ConnectAsync(_client), null);
            }
        }

        try
        {
            var client = await connecting.WaitAsync(LongestWait, _time, cancellationToken);
            if (client is not null && _isStale)
            {
                await ListAsync(client, cancellationToken);
            }

            return client;
        }
        catch (TimeoutException)
        {
            return null;
        }
    }

    /// <summary>Never throws: null says that it failed.</summary>
    private async Task<McpClient?> ConnectAsync(McpClient? lost)
    {
        // Whoever asks holds a lock: starting a process is no work for it.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        McpClient? client = null;
        try
        {
            if (lost is not null)
            {
                await lost.DisposeAsync();
            }

            var options = new McpClientOptions
            {
                ClientInfo = new Implementation { Name = "llm-gateway", Version = "1" },
                Handlers = new McpClientHandlers { NotificationHandlers = [new(NotificationMethods.ToolListChangedNotification, OnListChanged)] },
            };
            client = await McpClient.CreateAsync(McpTransports.Create(_config), options, loggerFactory: null, _stopping.Token);
            await ListAsync(client, _stopping.Token);
            lock (_gate)
            {
                (_client, _failedAt) = (client, 0);
            }

            Log.Connected(_logger, _config.Name, _tools.Count);
            return client;
        }
        catch (Exception exception)
        {
            if (client is not null)
            {
                await client.DisposeAsync();
            }

            // Its message may quote the address or the command with what is secret in them.
            _failedAt = _time.GetTimestamp();
            if (!_stopping.IsCancellationRequested)
            {
                Log.Failed(_logger, _config.Name, exception.GetType().Name);
            }

            return null;
        }
    }

    private ValueTask OnListChanged(JsonRpcNotification notification, CancellationToken cancellationToken)
    {
        _isStale = true;
        return ValueTask.CompletedTask;
    }

    private async Task ListAsync(McpClient client, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(LongestWait, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        _isStale = false;
        var listed = new List<Tool>();
        string? cursor = null;
        for (var page = 0; page < MaxPages; page++)
        {
            var result = await client.ListToolsAsync(new ListToolsRequestParams { Cursor = cursor }, either.Token);
            listed.AddRange(result.Tools);
            cursor = result.NextCursor;
            if (string.IsNullOrEmpty(cursor))
            {
                break;
            }
        }

        lock (_gate)
        {
            _tools = _pins.Accept(this, listed);
        }
    }

    private async ValueTask ForgetAsync(McpClient client)
    {
        lock (_gate)
        {
            _client = ReferenceEquals(_client, client) ? null : _client;
        }

        await client.DisposeAsync();
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 720, Level = LogLevel.Information, Message = "MCP server {Server} is connected, with {Count} usable tools")]
        public static partial void Connected(ILogger logger, string server, int count);

        [LoggerMessage(EventId = 721, Level = LogLevel.Warning, Message = "MCP server {Server} cannot be connected ({Error}); requests go on without it")]
        public static partial void Failed(ILogger logger, string server, string error);

        [LoggerMessage(EventId = 722, Level = LogLevel.Warning, Message = "A call of MCP server {Server} failed ({Error})")]
        public static partial void CallFailed(ILogger logger, string server, string error);
    }
}
