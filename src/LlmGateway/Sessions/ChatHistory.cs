using System.Data.Common;
using System.Text.Json;
using System.Threading.Channels;
using LlmGateway.Database;

namespace LlmGateway.Sessions;

/// <summary>
/// Every exchange of a session, kept in the database for <c>HISTORY_RETENTION_DAYS</c> and no longer. It is written off the request path; while the database
/// is away a bounded number waits in memory, and beyond that the oldest text is lost, loudly: usage is kept elsewhere.
/// </summary>
internal sealed partial class ChatHistory : BackgroundService
{
    /// <summary>Exchanges that may wait for the database.</summary>
    private const int MostWaiting = 10_000;

    private const int MaxBatch = 200;

    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan CleanEvery = TimeSpan.FromHours(1);

    private readonly IDatabase _database;
    private readonly TimeSpan _retention;
    private readonly TimeProvider _time;
    private readonly ILogger<ChatHistory> _logger;
    private readonly Channel<ChatExchange> _waiting;
    private readonly List<ChatExchange> _batch = [];
    private long _lost;

    /// <param name="database">Where it is kept.</param>
    /// <param name="retentionDays">For how long; 0: nothing is kept.</param>
    /// <param name="time">The clock of retention and retries.</param>
    /// <param name="logger">Told of losses.</param>
    public ChatHistory(IDatabase database, int retentionDays, TimeProvider time, ILogger<ChatHistory> logger)
    {
        (_database, _retention, _time, _logger) = (database, TimeSpan.FromDays(retentionDays), time, logger);
        _waiting = Channel.CreateBounded<ChatExchange>(
            new BoundedChannelOptions(MostWaiting) { SingleReader = true, FullMode = BoundedChannelFullMode.DropOldest }, _ => Interlocked.Increment(ref _lost));
    }

    /// <summary>Whether text is kept at all.</summary>
    public bool IsKept => _retention > TimeSpan.Zero;

    /// <summary>Never waits.</summary>
    public void Add(ChatExchange exchange)
    {
        if (IsKept)
        {
            _waiting.Writer.TryWrite(exchange);
        }
    }

    /// <summary>The session's last exchanges, oldest first; only the owner's.</summary>
    /// <exception cref="DatabaseUnavailableException">It cannot be read now.</exception>
    public Task<IReadOnlyList<ChatExchange>> LastAsync(string sessionId, string owner, int count, CancellationToken cancellationToken) =>
        _database.RunAsync<IReadOnlyList<ChatExchange>>(connection => Read(connection, sessionId, owner, count), cancellationToken);

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Task.WhenAll(CleanAsync(stoppingToken), IsKept ? KeepAsync(stoppingToken) : Task.CompletedTask);

    /// <summary>Text whose time is up goes, whether or not anybody says anything new; where no text is kept that is all there is from before.</summary>
    private async Task CleanAsync(CancellationToken stoppingToken)
    {
        try
        {
            while (true)
            {
                await Task.Delay(await TryAsync(Clean, stoppingToken) ? CleanEvery : RetryAfter, _time, stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The host stops.
        }
    }

    private async Task KeepAsync(CancellationToken stoppingToken)
    {
        try
        {
            while (await _waiting.Reader.WaitToReadAsync(stoppingToken))
            {
                await WriteAsync(stoppingToken);
            }
        }
        catch (OperationCanceledException)
        {
            // What has been said is kept, if the database takes it now.
            while (Fill() && await TryAsync(Insert, CancellationToken.None))
            {
                _batch.Clear();
            }
        }
    }

    private async Task WriteAsync(CancellationToken stoppingToken)
    {
        while (Fill())
        {
            while (!await TryAsync(Insert, stoppingToken))
            {
                await Task.Delay(RetryAfter, _time, stoppingToken);
            }

            _batch.Clear();
        }

        if (Interlocked.Exchange(ref _lost, 0) is > 0 and var lost)
        {
            Log.Lost(_logger, lost);
        }
    }

    private bool Fill()
    {
        while (_batch.Count < MaxBatch && _waiting.Reader.TryRead(out var exchange))
        {
            _batch.Add(exchange);
        }

        return _batch.Count > 0;
    }

    private async Task<bool> TryAsync(Func<DbConnection, bool> work, CancellationToken cancellationToken)
    {
        try
        {
            return await _database.RunAsync(work, cancellationToken);
        }
        catch (DatabaseUnavailableException)
        {
            return false;
        }
    }

    private bool Insert(DbConnection connection)
    {
        using var transaction = connection.BeginTransaction();
        using var command = connection.CreateCommand();
        command.Transaction = transaction;
        command.CommandText = """
            INSERT INTO chat_history (id, session_id, user_message, assistant_message, tools_used, model_used, tokens_used, cost, created_at, extra_metadata)
            VALUES (@id, @session_id, @user_message, @assistant_message, @tools_used, @model_used, @tokens_used, @cost, @created_at, @extra_metadata)
            ON CONFLICT DO NOTHING
            """;
        foreach (var exchange in _batch)
        {
            command.Parameters.Clear();
            command.Add("@id", exchange.Id.ToString());
            command.Add("@session_id", exchange.SessionId);
            command.Add("@user_message", Storable(exchange.UserMessage));
            command.Add("@assistant_message", Storable(exchange.AssistantMessage));
            command.Add("@tools_used", JsonSerializer.Serialize(exchange.ToolsUsed, ChatHistoryJson.Default.IReadOnlyListString));
            command.Add("@model_used", exchange.ModelUsed);
            command.Add("@tokens_used", exchange.TokensUsed);
            command.Add("@cost", exchange.CostMicroUsd);
            command.Add("@created_at", Microseconds(exchange.CreatedAt));
            command.Add("@extra_metadata", JsonSerializer.Serialize(
                new ExchangeMetadata(exchange.Owner, exchange.Agent, exchange.Provider, exchange.RequestId), ChatHistoryJson.Default.ExchangeMetadata));
            command.ExecuteNonQuery();
        }

        transaction.Commit();
        return true;
    }

    private bool Clean(DbConnection connection)
    {
        using var command = connection.CreateCommand();
        command.CommandText = "DELETE FROM chat_history WHERE created_at < @before";
        command.Add("@before", Microseconds(_time.GetUtcNow() - _retention));
        command.ExecuteNonQuery();
        return true;
    }

    private static List<ChatExchange> Read(DbConnection connection, string sessionId, string owner, int count)
    {
        using var command = connection.CreateCommand();
        command.CommandText = """
            SELECT id, user_message, assistant_message, tools_used, model_used, tokens_used, cost, created_at, extra_metadata
            FROM chat_history WHERE session_id = @session_id ORDER BY created_at DESC, id DESC LIMIT 1000
            """;
        command.Add("@session_id", sessionId);
        using var reader = command.ExecuteReader();
        List<ChatExchange> exchanges = [];
        while (exchanges.Count < count && reader.Read())
        {
            // Ids that clients choose are unique to each client only.
            if (JsonSerializer.Deserialize(reader.GetString(8), ChatHistoryJson.Default.ExchangeMetadata) is not { } metadata || metadata.Key != owner)
            {
                continue;
            }

            exchanges.Add(new ChatExchange
            {
                Id = Guid.Parse(reader.GetString(0)),
                SessionId = sessionId,
                Owner = owner,
                UserMessage = reader.GetString(1),
                AssistantMessage = reader.GetString(2),
                ToolsUsed = JsonSerializer.Deserialize(reader.GetString(3), ChatHistoryJson.Default.IReadOnlyListString) ?? [],
                ModelUsed = reader.GetString(4),
                TokensUsed = reader.GetInt64(5),
                CostMicroUsd = reader.GetInt64(6),
                CreatedAt = DateTimeOffset.UnixEpoch.AddMicroseconds(reader.GetInt64(7)),
                Agent = metadata.Agent,
                Provider = metadata.Provider,
                RequestId = metadata.RequestId,
            });
        }

        exchanges.Reverse();
        return exchanges;
    }

    /// <summary>PostgreSQL's text holds no NUL.</summary>
    private static string Storable(string text) => text.Replace("\0", "\uFFFD", StringComparison.Ordinal);

    private static long Microseconds(DateTimeOffset time) => (time - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;

    private static partial class Log
    {
        [LoggerMessage(EventId = 950, Level = LogLevel.Error, Message = "{Count} exchanges of the chat history were lost: the database was away for too long")]
        public static partial void Lost(ILogger logger, long count);
    }
}
