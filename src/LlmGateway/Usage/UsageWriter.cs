using LlmGateway.Database;
using LlmGateway.Telemetry;

namespace LlmGateway.Usage;

/// <summary>
/// Carries records from the queue to the ledger in batches. A ledger that does not take them is tried again for as long as it takes, while
/// the queue holds what comes; requests never notice. When the host stops, everything that is queued is written first.
/// </summary>
internal sealed partial class UsageWriter(
    UsageQueue queue, IUsageLedger ledger, GatewayMetrics metrics, TimeProvider time, ILogger<UsageWriter> logger, UsageWriterOptions? options = null) : IHostedService, IDisposable
{
    private readonly UsageWriterOptions _options = options ?? new();
    private readonly List<RequestRecord> _batch = [];
    private readonly CancellationTokenSource _stopping = new();
    private readonly CancellationTokenSource _giveUp = new();
    private Task _loop = Task.CompletedTask;
    private long _refusedReported;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _loop = RunAsync();
        return Task.CompletedTask;
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        queue.Close();
        await _stopping.CancelAsync();
        using (cancellationToken.UnsafeRegister(static state => ((CancellationTokenSource)state!).Cancel(), _giveUp))
        {
            await _loop;
        }
    }

    public void Dispose()
    {
        _stopping.Dispose();
        _giveUp.Dispose();
    }

    private async Task RunAsync()
    {
        while (await queue.Reader.WaitToReadAsync(CancellationToken.None))
        {
            await PauseAsync(_options.Gather, _stopping.Token);
            while (Fill())
            {
                await WriteAsync();
            }
        }
    }

    private bool Fill()
    {
        while (_batch.Count < _options.MaxBatch && queue.Reader.TryRead(out var record))
        {
            _batch.Add(record);
        }

        return _batch.Count > 0;
    }

    /// <summary>Writes the batch, however often that takes; only the end of the host's patience makes it give up.</summary>
    private async Task WriteAsync()
    {
        var wait = _options.FirstRetry;
        while (!_giveUp.IsCancellationRequested)
        {
            try
            {
                await ledger.WriteAsync(_batch, _giveUp.Token);
                metrics.UsageRecords(UsageRecordResults.Written, _batch.Count);
                ReportRefused();
                _batch.Clear();
                return;
            }
            catch (Exception exception) when (exception is DatabaseUnavailableException or DatabaseSchemaException)
            {
                ReportRefused();
            }
#pragma warning disable CA1031 // The edge of a background loop. A batch that trips over a bug must not hold up all that follow it.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                if (exception is not OperationCanceledException)
                {
                    Log.Failed(logger, exception);
                }

                break;
            }

            await PauseAsync(wait, _giveUp.Token);
            wait = TimeSpan.FromTicks(Math.Min(wait.Ticks * 2, _options.MaxRetry.Ticks));
        }

        metrics.UsageRecords(UsageRecordResults.Lost, _batch.Count);
        Log.Lost(logger, _batch.Count);
        _batch.Clear();
    }

    private async Task PauseAsync(TimeSpan wait, CancellationToken cancellationToken)
    {
        try
        {
            await Task.Delay(wait, time, cancellationToken);
        }
        catch (OperationCanceledException)
        {
            // Stopping ends the pause, nothing else.
        }
    }

    /// <summary>The request's thread only counts what the full queue refused; here it is said.</summary>
    private void ReportRefused()
    {
        var refused = queue.Refused;
        if (refused != _refusedReported)
        {
            Log.Refused(logger, refused - _refusedReported);
            _refusedReported = refused;
        }
    }

    private static partial class Log
    {
        [LoggerMessage(703, LogLevel.Critical, "{Count} usage records were lost: the queue to the ledger is full")]
        public static partial void Refused(ILogger logger, long count);

        [LoggerMessage(704, LogLevel.Critical, "usage records could not be written")]
        public static partial void Failed(ILogger logger, Exception exception);

        [LoggerMessage(702, LogLevel.Critical, "{Count} usage records were lost: the ledger did not take them")]
        public static partial void Lost(ILogger logger, int count);
    }
}
