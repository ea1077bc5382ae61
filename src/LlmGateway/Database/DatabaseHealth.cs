using LlmGateway.Api;
using LlmGateway.Telemetry;

namespace LlmGateway.Database;

/// <summary>Whether the database works: said once per change in the log, always in <c>/health/ready</c> and the metrics.</summary>
internal sealed partial class DatabaseHealth(GatewayMetrics metrics, ILogger<DatabaseHealth> logger) : IReadinessCheck
{
    private const string Store = "database";

    private volatile string? _trouble = "it has not been opened yet";
    private int _state;

    private enum State
    {
        Unknown,
        Up,
        Down,
    }

    public bool IsUp => Volatile.Read(ref _state) == (int)State.Up;

    public string? Problem => _trouble is { } trouble ? $"The database is not available ({trouble}); records are kept in the journal until it is back." : null;

    public void MarkUp()
    {
        var before = (State)Interlocked.Exchange(ref _state, (int)State.Up);
        if (before == State.Up)
        {
            return;
        }

        _trouble = null;
        metrics.StoreUp(Store, true);
        if (before == State.Down)
        {
            Log.Up(logger);
        }
    }

    /// <param name="reason">Without a password.</param>
    public void MarkDown(string reason)
    {
        _trouble = reason;
        if (Interlocked.Exchange(ref _state, (int)State.Down) != (int)State.Down)
        {
            metrics.StoreUp(Store, false);
            Log.Down(logger, reason);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 700, Level = LogLevel.Warning, Message = "database unavailable, records are kept in the journal until it is back: {Reason}")]
        public static partial void Down(ILogger logger, string reason);

        [LoggerMessage(EventId = 701, Level = LogLevel.Information, Message = "database is back")]
        public static partial void Up(ILogger logger);
    }
}
