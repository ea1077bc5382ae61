using System.Globalization;
using LlmGateway.Database;
using LlmGateway.Telemetry;
using LlmGateway.Usage.Journal;

namespace LlmGateway.Usage;

/// <summary>
/// Carries records from the journal to the ledger in batches, off the request path. A ledger that does not take them is tried again for as
/// long as it takes, while the journal holds what comes. It also takes over the journals of processes that have died: what they noted and
/// never ended becomes interrupted records.
/// </summary>
internal sealed partial class UsageWriter(
    JournalWriter journal, JournalFolder folder, JournalOptions journalOptions, UsageQueue fallback, LostRecords lost, IUsageLedger ledger,
    GatewayMetrics metrics, TimeProvider time, ILogger<UsageWriter> logger, UsageWriterOptions? options = null) : IHostedService, IDisposable
{
    /// <summary>A call that was noted and of whose request nothing more was heard for so long will not end any more.</summary>
    private static readonly TimeSpan LongestRequest = TimeSpan.FromHours(2);

    private readonly UsageWriterOptions _options = options ?? new();
    private readonly JournalTail _tail = new(keepsCalls: false, time);
    private readonly List<RequestRecord> _batch = [];
    private readonly CancellationTokenSource _stopping = new();
    private readonly CancellationTokenSource _giveUp = new();
    private Task _loop = Task.CompletedTask;
    private long _lostReported;
    private long _lookedForOrphans;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _loop = RunAsync();
        return Task.CompletedTask;
    }

    /// <summary>
    /// Writes what there is; a database that is away is not waited for, because the journal keeps the records until the next start. Only where
    /// the journal is gone too, and memory is all that holds them, a while is.
    /// </summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await using var patience = time.CreateTimer(static state => ((CancellationTokenSource)state!).Cancel(), _giveUp, _options.LastPatience, Timeout.InfiniteTimeSpan);
        await _stopping.CancelAsync();
        using (cancellationToken.UnsafeRegister(static state => ((CancellationTokenSource)state!).Cancel(), _giveUp))
        {
            await _loop;
        }
    }

    public void Dispose()
    {
        _tail.Dispose();
        _stopping.Dispose();
        _giveUp.Dispose();
    }

    private async Task RunAsync()
    {
        await AdoptAsync();
        while (!_stopping.IsCancellationRequested)
        {
            await WaitAsync();
            await GatherAsync();
            await CarryAsync();
            if (time.GetElapsedTime(_lookedForOrphans) >= journalOptions.AdoptEvery)
            {
                await AdoptAsync();
                _tail.ForgetOlderThan(LongestRequest);
            }
        }

        await CarryAsync();
        Close();
    }

    private async Task WaitAsync()
    {
        try
        {
            await journal.WaitForRecordsAsync(_stopping.Token).AsTask().WaitAsync(journalOptions.AdoptEvery, time, CancellationToken.None);
        }
        catch (Exception exception) when (exception is OperationCanceledException or TimeoutException)
        {
            // Time to look around, or to stop.
        }
    }

    /// <summary>Lets records gather for the database, and none of them wait long for the file.</summary>
    private async Task GatherAsync()
    {
        journal.Flush();
        await using var timer = time.CreateTimer(static state => ((JournalWriter)state!).Flush(), journal, _options.Flush, _options.Flush);
        await PauseAsync(_options.Gather, _stopping.Token);
    }

    /// <summary>Writes all that is there now, from the journal and from memory.</summary>
    private async Task CarryAsync()
    {
        journal.BeginReading();
        ReportLost();
        do
        {
            while (journal.TryTakeOpened(out var segment))
            {
                _tail.Add(segment!);
            }

            await CarryAsync(_tail);
            journal.CountOnDisk(-_tail.DeleteSpent(includesLast: false));
        }
        while (await CarryFallbackAsync());
    }

    /// <summary>False when the ledger did not take them and the host stops: what was handed out is then read again by the next start alone.</summary>
    private async Task<bool> CarryAsync(JournalTail tail)
    {
        while (!tail.AwaitsConfirmation)
        {
            tail.Fill(_batch, _options.MaxBatch);
            if (_batch.Count == 0)
            {
                return true;
            }

            var isFull = _batch.Count == _options.MaxBatch;
            var isWritten = await WriteAsync(_stopping.Token);
            _batch.Clear();
            if (!isWritten)
            {
                return false;
            }

            tail.Confirm();
            if (!isFull)
            {
                // Under load some have come meanwhile: without this each transaction would hold only what came during the last one.
                await GatherAsync();
            }
        }

        return false;
    }

    /// <summary>Memory is all that holds these: they are given up only at the end of the host's patience.</summary>
    private async Task<bool> CarryFallbackAsync()
    {
        while (_batch.Count < _options.MaxBatch && fallback.Reader.TryRead(out var record))
        {
            _batch.Add(record);
        }

        var hasRecords = _batch.Count > 0;
        if (hasRecords && !await WriteAsync(_giveUp.Token))
        {
            Lose(_batch.Count);
        }

        _batch.Clear();
        return hasRecords;
    }

    /// <summary>Writes the batch, however often that takes, at least once; false when it was not written before the end.</summary>
    private async Task<bool> WriteAsync(CancellationToken end)
    {
        for (var wait = _options.FirstRetry; ; wait = TimeSpan.FromTicks(Math.Min(wait.Ticks * 2, _options.MaxRetry.Ticks)))
        {
            try
            {
                await ledger.WriteAsync(_batch, _giveUp.Token);
                metrics.UsageRecords(UsageRecordResults.Written, _batch.Count);
                return true;
            }
            catch (Exception exception) when (exception is DatabaseUnavailableException or DatabaseSchemaException or OperationCanceledException)
            {
                if (end.IsCancellationRequested)
                {
                    return false;
                }
            }
#pragma warning disable CA1031 // The edge of a background loop. A record that trips over a bug must not hold up all that follow it.
            catch (Exception exception)
#pragma warning restore CA1031
            {
                Log.Failed(logger, exception);
                await WriteEachAsync();
                return true;
            }

            ReportLost();
            await PauseAsync(wait, end);
        }
    }

    private async Task WriteEachAsync()
    {
        foreach (var record in _batch)
        {
            try
            {
                await ledger.WriteAsync([record], _giveUp.Token);
                metrics.UsageRecords(UsageRecordResults.Written, 1);
            }
#pragma warning disable CA1031 // As above.
            catch (Exception)
#pragma warning restore CA1031
            {
                Lose(1);
            }
        }
    }

    /// <summary>Takes over what processes that have died left in the folder.</summary>
    private async Task AdoptAsync()
    {
        _lookedForOrphans = time.GetTimestamp();
        try
        {
            while (!_stopping.IsCancellationRequested && folder.TakeOrphan() is { } orphan)
            {
                await AdoptAsync(orphan);
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            Log.CannotAdopt(logger, exception.Message);
        }
    }

    private async Task AdoptAsync(JournalOwner orphan)
    {
        using (orphan)
        {
            var start = time.GetTimestamp();
            using var tail = new JournalTail(keepsCalls: true, time);
            var bytes = 0L;
            foreach (var segment in orphan.OpenSegments())
            {
                bytes += segment.Written;
                tail.Add(segment);
            }

            journal.CountOnDisk(bytes);
            if (!await CarryAsync(tail))
            {
                return;
            }

            var interrupted = tail.TakeOpenCalls();
            foreach (var part in interrupted.Chunk(_options.MaxBatch))
            {
                _batch.AddRange(part.Select(InterruptedRequest.Close));
                var isWritten = await WriteAsync(_stopping.Token);
                _batch.Clear();
                if (!isWritten)
                {
                    return;
                }
            }

            tail.Confirm();
            tail.DeleteSpent(includesLast: true);
            journal.CountOnDisk(-bytes);
            orphan.Leave();
            Log.Adopted(logger, bytes, interrupted.Count, tail.Damaged, time.GetElapsedTime(start).TotalMilliseconds.ToString("F0", CultureInfo.InvariantCulture));
        }
    }

    /// <summary>What is not in the database stays, on the disk itself, for the next start.</summary>
    private void Close()
    {
        try
        {
            if (_tail.IsEmpty)
            {
                _tail.DeleteSpent(includesLast: true);
            }
            else
            {
                _tail.FlushToDisk();
            }

            journal.Close(_tail.IsEmpty);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            Log.CannotAdopt(logger, exception.Message);
        }
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

    private void Lose(int count)
    {
        lost.Add(count);
        _lostReported += count;
        Log.Lost(logger, count);
    }

    /// <summary>The request's thread only counts what found no room; here it is said.</summary>
    private void ReportLost()
    {
        var count = lost.Count;
        if (count != _lostReported)
        {
            Log.NoRoom(logger, count - _lostReported);
            _lostReported = count;
        }
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 702, Level = LogLevel.Critical, Message = "{Count} usage records were lost: the database did not take them")]
        public static partial void Lost(ILogger logger, int count);

        [LoggerMessage(EventId = 703, Level = LogLevel.Critical, Message = "{Count} usage records were lost: there was no room for them in the journal")]
        public static partial void NoRoom(ILogger logger, long count);

        [LoggerMessage(EventId = 704, Level = LogLevel.Critical, Message = "usage records could not be written together; they are written one by one")]
        public static partial void Failed(ILogger logger, Exception exception);

        [LoggerMessage(EventId = 705, Level = LogLevel.Warning, Message = "took over the journal of a gateway that died: {Bytes} bytes, {Interrupted} interrupted requests, {Damaged} damaged bytes, {Milliseconds} ms")]
        public static partial void Adopted(ILogger logger, long bytes, int interrupted, long damaged, string milliseconds);

        [LoggerMessage(EventId = 706, Level = LogLevel.Error, Message = "the journal's folder cannot be tidied up: {Reason}")]
        public static partial void CannotAdopt(ILogger logger, string reason);
    }
}
