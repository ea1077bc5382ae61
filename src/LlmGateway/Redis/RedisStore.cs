using LlmGateway.Api;
using LlmGateway.Telemetry;
using StackExchange.Redis;

namespace LlmGateway.Redis;

/// <summary>
/// The Redis that several instances share (<c>REDIS_URL</c>). Every step is one Lua script, so it happens whole or not at all. While it
/// answers nobody, a call waits some 150 ms at most; the first one that fails opens the breaker and releases all others that wait,
/// and until a probe in the background finds Redis answering again nobody waits for it at all. No failure of Redis is ever thrown at a caller.
/// </summary>
internal sealed partial class RedisStore : BackgroundService, IReadinessCheck
{
    private const string Store = "redis";

    /// <summary>What a host says that is a replica now.</summary>
    private const string Demoted = "READONLY";

    /// <summary>Calls at once; beyond, Redis is too slow to be waited for.</summary>
    private const int MostInFlight = 4096;

    /// <summary>Of an outage of 20 s, fewer than a hundredth of the requests wait for longer than 50 ms.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(150);

    /// <summary>A time-out that is later than this, or meets more work that waits for a thread than a processor can have under way, is the process' own delay.</summary>
    private static readonly TimeSpan OwnDelay = TimeSpan.FromMilliseconds(25);
    private static readonly int OwnBacklog = Environment.ProcessorCount;

    /// <summary>Times that a call waits, all told: again where others are answered meanwhile, or the process is late itself.</summary>
    private const int MostPatience = 4;

    /// <summary>The first clients are kept waiting for a Redis so long at most; where it is well, it decides from the first request on.</summary>
    private static readonly TimeSpan StartPatience = TimeSpan.FromMilliseconds(500);

    /// <summary>By then every instance has found out that Redis is back.</summary>
    private static readonly TimeSpan SettlingTime = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan ProbeEvery = TimeSpan.FromMilliseconds(300);

    /// <summary>Between the beginnings of two tries to connect, and a quarter of it more for some: many instances must not knock at once.</summary>
    private static readonly TimeSpan ConnectEvery = TimeSpan.FromSeconds(1);

    private readonly ConfigurationOptions? _options;
    private readonly GatewayMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly ILogger<RedisStore> _logger;
    private readonly SemaphoreSlim _failed = new(0, 1);
    private readonly TaskCompletionSource _looked = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile RedisLink? _link;
    private SocketManager? _sockets;
    private int _tries;
    private long _nextTry;
    private int _isUp;
    private int _inFlight;
    private int _isDownReported;
    private int _hasLostItsMaster;
    private long _answered;
    private long _returned;
    private volatile TaskCompletionSource _lost = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile string _problem = "it has not answered yet";

    /// <param name="options">Where it is; null: none is configured.</param>
    /// <param name="metrics">Told whether it is up.</param>
    /// <param name="time">The clock of waits and probes.</param>
    /// <param name="logger">Told of changes of state, once each.</param>
    public RedisStore(ConfigurationOptions? options, GatewayMetrics metrics, TimeProvider time, ILogger<RedisStore> logger)
    {
        (_options, _metrics, _time, _logger) = (options, metrics, time, logger);
        if (_options is not null)
        {
            // The multiplexer must not throw while Redis is away; the store has its own patience, and its own time to try again.
            _options.AbortOnConnectFail = false;
            _options.ConnectTimeout = 2000;
            _options.ConnectRetry = 1;
            _options.SyncTimeout = 1000;
            _options.ClientName = "llm-gateway";

            // Nothing is published: one connection, not two, to be made anew.
            _options.CommandMap = CommandMap.Create(["SUBSCRIBE", "PSUBSCRIBE", "UNSUBSCRIBE", "PUNSUBSCRIBE", "PUBLISH"], available: false);
        }
    }

    /// <summary>Whether state is shared with other instances at all.</summary>
    public bool IsConfigured => _options is not null;

    public bool IsUp => Volatile.Read(ref _isUp) != 0;

    /// <summary>Whether it was away and is back only just: other instances may not know yet, nor have told it what it may have forgotten.</summary>
    public bool IsSettling => Interlocked.Read(ref _returned) is not 0 and var returned && _time.GetElapsedTime(returned) < SettlingTime;

    /// <summary>Raised when it has come back, on a thread of the pool.</summary>
    public event Action? Recovered;

    public string? Problem => IsConfigured && !IsUp ? $"Redis is not available ({_problem}); each instance decides alone until it is back" : null;

    /// <summary>Runs a script. Keys and arguments are data to it; never build its text from input.</summary>
    public async ValueTask<RedisReply> RunAsync(string script, RedisKey[] keys, RedisValue[] arguments)
    {
        if (!IsUp || _link?.Connection is not { } connection)
        {
            return RedisReply.Unavailable;
        }

        var lost = _lost.Task;
        var inFlight = Interlocked.Increment(ref _inFlight);
        try
        {
            if (inFlight > MostInFlight)
            {
                return RedisReply.Unavailable;
            }

            var answer = EvaluateAsync(connection, script, keys, arguments);
            if (await Task.WhenAny(answer, lost) != answer)
            {
                // Another call has found Redis away: there is nothing to wait for, and nobody to hear what becomes of this one.
                _ = answer.ContinueWith(static ended => ended.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
                return RedisReply.Unavailable;
            }

            return new RedisReply(true, await answer);
        }
#pragma warning disable CA1031 // Every kind of failure counts, and none is the caller's.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            // One call that is late while others are answered is this process' own delay, or a slow script: no reason to give Redis up.
            if (exception is not TimeoutException || _time.GetElapsedTime(Interlocked.Read(ref _answered)) >= Patience)
            {
                MarkDown(exception);
            }

            return RedisReply.Unavailable;
        }
        finally
        {
            Interlocked.Decrement(ref _inFlight);
        }
    }

    /// <summary>Comes back when Redis has been asked once, or after a moment without it.</summary>
    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        await base.StartAsync(cancellationToken);
        if (_options is not null)
        {
            await Task.WhenAny(_looked.Task, Task.Delay(StartPatience, _time, cancellationToken));
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (_options is null)
        {
            return;
        }

        _metrics.StoreUp(Store, false);
        try
        {
            while (!stoppingToken.IsCancellationRequested)
            {
                if (IsUp)
                {
                    await _failed.WaitAsync(stoppingToken);
                }
                else if (!await ProbeAsync())
                {
                    await PauseAsync(stoppingToken);
                }
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The host stops.
        }
    }

    public override void Dispose()
    {
        base.Dispose();
        _link?.Dispose();
        _sockets?.Dispose();
        _failed.Dispose();
    }

    private async Task<RedisResult> EvaluateAsync(ConnectionMultiplexer connection, string script, RedisKey[] keys, RedisValue[] arguments)
    {
        try
        {
            return await SendAsync(connection, script, keys, arguments);
        }
        catch (RedisServerException exception) when (exception.Message.StartsWith("NOSCRIPT", StringComparison.Ordinal))
        {
            // A Redis that was started anew does not know the script by its hash any more; the client has noted that, and sends the text again.
            return await SendAsync(connection, script, keys, arguments);
        }
    }

    private async Task<RedisResult> SendAsync(ConnectionMultiplexer connection, string script, RedisKey[] keys, RedisValue[] arguments)
    {
        var sent = connection.GetDatabase().ScriptEvaluateAsync(script, keys, arguments);
        for (var tries = 1; ; tries++)
        {
            var since = _time.GetTimestamp();
            try
            {
                await sent.WaitAsync(Patience, _time);
                break;
            }
            catch (TimeoutException) when (sent.IsCompleted || (tries < MostPatience && (IsBusy(since) || Interlocked.Read(ref _answered) > since)))
            {
                // Redis is there: this call stands in a queue behind others, or nobody had the time to look.
            }
        }

        Interlocked.Exchange(ref _answered, _time.GetTimestamp());
        return await sent;
    }

    /// <summary>
    /// Whether this process is slow, not Redis: the time-out comes late itself, or others wait for a thread, the answer's reader perhaps among
    /// them.
    /// </summary>
    private bool IsBusy(long since) => _time.GetElapsedTime(since) > Patience + OwnDelay || ThreadPool.PendingWorkItemCount > OwnBacklog;

    /// <summary>Until the next probe, each instance another time, or until the next try to connect, where there is nothing to probe.</summary>
    private Task PauseAsync(CancellationToken stoppingToken) =>
        Task.Delay(_link is { IsConnected: true } ? ProbeEvery * (0.75 + (Random.Shared.NextDouble() / 2)) : UntilNextTry, _time, stoppingToken);

    private static void Signal(SemaphoreSlim signal)
    {
        try
        {
            signal.Release();
        }
        catch (Exception exception) when (exception is SemaphoreFullException or ObjectDisposedException)
        {
            // Known already, or nobody is interested any more.
        }
    }

    private TimeSpan UntilNextTry => _nextTry - _time.GetTimestamp() is > 0 and var left ? TimeSpan.FromSeconds((double)left / _time.TimestampFrequency) : TimeSpan.Zero;

    /// <summary>Takes a new link in the place of one that has lost a host.</summary>
    private async Task ConnectAsync()
    {
        var between = ConnectEvery * (1 + (Random.Shared.NextDouble() / 4));
        _nextTry = _time.GetTimestamp() + (long)(between.TotalSeconds * _time.TimestampFrequency);
        _link?.Abandon();
        _link = null;

        // One writer's thread for all links.
        _options!.SocketManager = _sockets ??= new SocketManager("llm-gateway");
        _link = await RedisLink.ConnectAsync(_options, _tries++);
        if (_link is { } link)
        {
            Volatile.Write(ref _hasLostItsMaster, 0);
            link.Connection.ConnectionFailed += (_, failed) => OnLost(link, failed.Exception);
        }
    }

    /// <summary>A connection has ended: found out here even where nobody asks for anything.</summary>
    private void OnLost(RedisLink link, Exception? exception)
    {
        if (ReferenceEquals(link, _link) && !link.IsConnected)
        {
            MarkDown(exception ?? new IOException());
        }
    }

    private async Task<bool> ProbeAsync()
    {
        try
        {
            if (_link is not { IsWhole: true } && UntilNextTry == TimeSpan.Zero)
            {
                await ConnectAsync();
            }

            if (_link is not { IsConnected: true } link)
            {
                throw new IOException("no host is connected");
            }

            if (Interlocked.Exchange(ref _hasLostItsMaster, 0) != 0)
            {
                // The hosts have changed their roles: which of them takes writes is asked anew.
                await link.Connection.ConfigureAsync();
            }

            await EvaluateAsync(link.Connection, "return redis.call('SET', KEYS[1], '1', 'EX', '5')", ["llm-gateway:probe"], []);
        }
#pragma warning disable CA1031 // Whatever it is, Redis is not usable.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            MarkDown(exception);
            _looked.TrySetResult();
            return false;
        }

        _lost = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        if (Interlocked.Exchange(ref _isDownReported, 0) != 0)
        {
            Interlocked.Exchange(ref _returned, _time.GetTimestamp());
        }

        Volatile.Write(ref _isUp, 1);
        _metrics.StoreUp(Store, true);
        Log.Up(_logger);
        Recovered?.Invoke();
        _looked.TrySetResult();
        if (_link is not { IsConnected: true })
        {
            // Lost again between its answer and this line, when it was not yet up and nobody had to be told.
            MarkDown(new IOException());
        }

        return true;
    }

    private void MarkDown(Exception exception)
    {
        // Kinds only: the client's messages are long and hold addresses.
        _problem = exception switch
        {
            TimeoutException => "it does not answer in time",
            IOException => "it cannot be reached",
            RedisServerException server => server.Message.Split(' ')[0],
            _ => exception.GetType().Name,
        };
        if (_problem == Demoted)
        {
            Volatile.Write(ref _hasLostItsMaster, 1);
        }

        var wasUp = Interlocked.Exchange(ref _isUp, 0) != 0;
        if (Interlocked.Exchange(ref _isDownReported, 1) == 0)
        {
            _metrics.StoreUp(Store, false);
            Log.Down(_logger, _problem);
        }

        if (wasUp)
        {
            _lost.TrySetResult();
            Signal(_failed);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 900, Level = LogLevel.Information, Message = "Redis answers: state is shared")]
        public static partial void Up(ILogger logger);

        [LoggerMessage(EventId = 901, Level = LogLevel.Warning, Message = "Redis is not available ({Problem}): limits are enforced and state is kept by each instance alone until it is back")]
        public static partial void Down(ILogger logger, string problem);
    }
}
