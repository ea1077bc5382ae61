using System.Threading.Channels;
using LlmGateway.Database;
using LlmGateway.Telemetry;

namespace LlmGateway.Ownership;

/// <summary>
/// Who made which object at a provider. The gateway's clients share a provider's key, so that to the provider they are one; here they are told
/// apart. What is made is known here at once and on other instances when the answer's end goes out; while the database is away it is written
/// as soon as it is back. Objects that were made elsewhere have no owner that is known.
/// </summary>
internal sealed partial class ObjectOwners(ObjectOwnerTable table, IDatabase database, GatewayMetrics metrics, TimeProvider time, ILogger<ObjectOwners> logger) : BackgroundService
{
    private const string Store = "database";

    /// <summary>Answers whose objects may wait for the database.</summary>
    private const int MostWaiting = 10_000;

    private const int MaxBatch = 200;

    /// <summary>An answer's end waits no longer for a database that is slow, and for one that is away not at all.</summary>
    private static readonly TimeSpan WritePatience = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan ReadPatience = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan CleanEvery = TimeSpan.FromHours(1);

    /// <summary>Longer than providers keep most of what is made.</summary>
    private static readonly TimeSpan Retention = TimeSpan.FromDays(365);

    private readonly OwnerMemory _memory = new();
    private readonly Channel<Waiting> _waiting = Channel.CreateBounded<Waiting>(new BoundedChannelOptions(MostWaiting) { SingleReader = true, FullMode = BoundedChannelFullMode.Wait });
    private readonly List<Waiting> _batch = [];
    private long _lost;
    private bool _isBehind;

    /// <summary>Whether a caller may name these objects.</summary>
    /// <param name="caller">Name of its key.</param>
    /// <param name="ids">What it names.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    public async ValueTask<OwnerVerdict> CheckAsync(string caller, IReadOnlyCollection<string> ids, CancellationToken cancellationToken)
    {
        if (ids.Count == 0)
        {
            return OwnerVerdict.Allowed;
        }

        var unknown = new HashSet<string>(StringComparer.Ordinal);
        foreach (var id in ids)
        {
            var hash = ObjectId.Hash(id);
            if (_memory.Find(hash) is not { } owner)
            {
                unknown.Add(hash);
            }
            else if (owner != caller)
            {
                return OwnerVerdict.Foreign;
            }
        }

        if (unknown.Count == 0)
        {
            return OwnerVerdict.Allowed;
        }

        return await AskAsync(unknown, cancellationToken) is not { } found ? OwnerVerdict.Unsure
            : found.Values.All(owner => owner == caller) ? OwnerVerdict.Allowed : OwnerVerdict.Foreign;
    }

    /// <summary>Who owns each of these objects, as far as anybody is known to.</summary>
    /// <returns>Owners by id; null where the database cannot be asked.</returns>
    public async ValueTask<IReadOnlyDictionary<string, string>?> FindAsync(IReadOnlyCollection<string> ids, CancellationToken cancellationToken)
    {
        var hashes = ids.Distinct(StringComparer.Ordinal).ToDictionary(id => id, ObjectId.Hash, StringComparer.Ordinal);
        var unknown = hashes.Values.Where(hash => _memory.Find(hash) is null).ToHashSet(StringComparer.Ordinal);
        var found = unknown.Count == 0 ? [] : await AskAsync(unknown, cancellationToken);
        return found is null ? null : hashes
            .Select(hash => (Id: hash.Key, Owner: found.GetValueOrDefault(hash.Value) ?? _memory.Find(hash.Value)))
            .Where(known => known.Owner is not null)
            .ToDictionary(known => known.Id, known => known.Owner!, StringComparer.Ordinal);
    }

    /// <summary>Keeps who owns what an answer has told of; comes back when other instances can know it, or after a moment.</summary>
    /// <param name="caller">Name of the key whose call it was.</param>
    /// <param name="found">What was told of.</param>
    public async ValueTask RememberAsync(string caller, IReadOnlyList<FoundObject> found)
    {
        var claims = new Dictionary<string, ObjectClaim>(found.Count, StringComparer.Ordinal);
        foreach (var (id, parent) in found)
        {
            var hash = ObjectId.Hash(id);
            if (_memory.Find(hash) is null && !claims.ContainsKey(hash) && (parent is null ? caller : await OwnerAsync(parent)) is { } owner)
            {
                claims[hash] = new ObjectClaim(hash, owner);
            }
        }

        if (claims.Count == 0)
        {
            return;
        }

        foreach (var claim in claims.Values)
        {
            _memory.Set(claim.Hash, claim.Owner);
        }

        var waiting = new Waiting([.. claims.Values]);
        if (!_waiting.Writer.TryWrite(waiting))
        {
            Interlocked.Add(ref _lost, claims.Count);
            metrics.DegradedDecision(Store);
            return;
        }

        try
        {
            if (database.IsUp && await waiting.Written.Task.WaitAsync(WritePatience, time))
            {
                return;
            }
        }
        catch (TimeoutException)
        {
            // It is written later.
        }

        metrics.DegradedDecision(Store);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var nextClean = time.GetTimestamp();
        try
        {
            while (await _waiting.Reader.WaitToReadAsync(stoppingToken))
            {
                while (Fill())
                {
                    while (!await WriteAsync(stoppingToken))
                    {
                        await Task.Delay(RetryAfter, time, stoppingToken);
                    }
                }

                if (time.GetTimestamp() >= nextClean)
                {
                    nextClean = time.GetTimestamp() + (long)(CleanEvery.TotalSeconds * time.TimestampFrequency);
                    await CleanAsync(stoppingToken);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // What was made is kept, if the database takes it now.
            while (Fill() && await WriteAsync(CancellationToken.None))
            {
            }
        }
    }

    private static long Microseconds(DateTimeOffset moment) => (moment - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;

    private async ValueTask<string?> OwnerAsync(string id)
    {
        var hash = ObjectId.Hash(id);
        return _memory.Find(hash) ?? (await AskAsync([hash], CancellationToken.None))?.GetValueOrDefault(hash);
    }

    /// <summary>What the database knows of them; null where it cannot be asked.</summary>
    private async Task<Dictionary<string, string>?> AskAsync(HashSet<string> hashes, CancellationToken cancellationToken)
    {
        try
        {
            var found = await table.FindAsync(hashes, cancellationToken).WaitAsync(ReadPatience, time, cancellationToken);
            foreach (var (hash, owner) in found)
            {
                _memory.Set(hash, owner);
            }

            return found;
        }
        catch (Exception away) when (away is DatabaseUnavailableException or DatabaseSchemaException or TimeoutException)
        {
            return null;
        }
    }

    private bool Fill()
    {
        while (_batch.Count < MaxBatch && _waiting.Reader.TryRead(out var waiting))
        {
            _batch.Add(waiting);
        }

        return _batch.Count > 0;
    }

    private async Task<bool> WriteAsync(CancellationToken cancellationToken)
    {
        try
        {
            // In one order, whoever writes: two instances never wait for each other's rows.
            ObjectClaim[] claims = [.. _batch.SelectMany(waiting => waiting.Claims).DistinctBy(claim => claim.Hash).OrderBy(claim => claim.Hash, StringComparer.Ordinal)];
            foreach (var (hash, owner) in await table.AddAsync(claims, Microseconds(time.GetUtcNow()), cancellationToken))
            {
                _memory.Set(hash, owner);
            }
        }
        catch (Exception away) when (away is DatabaseUnavailableException or DatabaseSchemaException)
        {
            // Nobody waits any longer; it is tried again.
            _batch.ForEach(static waiting => waiting.Written.TrySetResult(false));
            if (!_isBehind)
            {
                _isBehind = true;
                Log.Behind(logger);
            }

            return false;
        }

        _batch.ForEach(static waiting => waiting.Written.TrySetResult(true));
        _batch.Clear();
        if (_isBehind)
        {
            _isBehind = false;
            Log.CaughtUp(logger);
        }

        if (Interlocked.Exchange(ref _lost, 0) is > 0 and var lost)
        {
            Log.Lost(logger, lost);
        }

        return true;
    }

    private async Task CleanAsync(CancellationToken cancellationToken)
    {
        try
        {
            await table.RemoveOlderAsync(Microseconds(time.GetUtcNow() - Retention), cancellationToken);
        }
        catch (Exception away) when (away is DatabaseUnavailableException or DatabaseSchemaException)
        {
            // The next time will do.
        }
    }

    private sealed record Waiting(ObjectClaim[] Claims)
    {
        public TaskCompletionSource<bool> Written { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 960, Level = LogLevel.Warning, Message = "owners of new objects cannot be stored now: until the database is back they are known to this instance alone")]
        public static partial void Behind(ILogger logger);

        [LoggerMessage(EventId = 961, Level = LogLevel.Information, Message = "owners of new objects are stored again")]
        public static partial void CaughtUp(ILogger logger);

        [LoggerMessage(EventId = 962, Level = LogLevel.Error, Message = "the owners of {Count} objects were not stored, because the database was away for too long: other clients can name them")]
        public static partial void Lost(ILogger logger, long count);
    }
}
