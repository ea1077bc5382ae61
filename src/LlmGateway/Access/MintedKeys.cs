using System.Collections.Frozen;
using System.Security.Cryptography;
using System.Text;
using LlmGateway.Configuration;
using LlmGateway.Database;
using LlmGateway.Model;

namespace LlmGateway.Access;

/// <summary>
/// The client keys that were made with <c>POST /admin/keys</c>, all of them in memory: no request waits for the database, and with it away the
/// last known ones go on working. What another instance makes or revokes is in force here within seconds.
/// </summary>
internal sealed partial class MintedKeys(MintedKeyTable table, ConfigStart start, TimeProvider time, ILogger<MintedKeys> logger) : BackgroundService
{
    private static readonly TimeSpan PollEvery = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan StartPatience = TimeSpan.FromSeconds(2);

    /// <summary>After so long without the database, a key that is not known here may have been made elsewhere.</summary>
    private static readonly TimeSpan UnsureAfter = TimeSpan.FromSeconds(5);

    private volatile FrozenDictionary<string, ClientKey> _byHash = FrozenDictionary<string, ClientKey>.Empty;
    private volatile IReadOnlyList<MintedKey> _all = [];
    private readonly SemaphoreSlim _reloading = new(1, 1);
    private (long, long) _stamp = (-1, -1);
    private long _seen;

    /// <summary>By the hexadecimal SHA-256 of the key.</summary>
    public FrozenDictionary<string, ClientKey> ByHash => _byHash;

    /// <summary>Oldest first.</summary>
    public IReadOnlyList<MintedKey> All => _all;

    /// <summary>Whether there may be keys that are not known here, because the database cannot be asked.</summary>
    public bool IsUnsure => Interlocked.Read(ref _seen) is var seen && (seen == 0 || time.GetElapsedTime(seen) > UnsureAfter);

    /// <summary>Makes a key and puts it in force; the answer is the only place where it ever stands.</summary>
    /// <exception cref="DatabaseUnavailableException">It could not be stored.</exception>
    public async Task<(string Key, MintedKey Minted)> MintAsync(ClientKey definition, string json, CancellationToken cancellationToken)
    {
        var key = MintedKeyText.Create();
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes(key));
        var now = time.GetUtcNow();
        await table.AddAsync(Convert.ToHexStringLower(hash), definition.Name, json, (now - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond, cancellationToken);
        await ReloadAsync(cancellationToken);
        Log.Minted(logger, definition.Name);
        return (key, new MintedKey(definition with { Sha256 = hash }, json, now));
    }

    /// <summary>Revokes all keys of that name; answers how many there were. Their running streams end, see <see cref="KeyEnds"/>; other requests under way go on.</summary>
    /// <exception cref="DatabaseUnavailableException">Nothing was revoked.</exception>
    public async Task<int> RevokeAsync(string name, CancellationToken cancellationToken)
    {
        var count = await table.RemoveAsync(name, cancellationToken);
        if (count > 0)
        {
            await ReloadAsync(cancellationToken);
            Log.Revoked(logger, name, count);
        }

        return count;
    }

    public override void Dispose()
    {
        base.Dispose();
        _reloading.Dispose();
    }

    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        try
        {
            await PollAsync(cancellationToken).WaitAsync(StartPatience, time, cancellationToken);
        }
        catch (TimeoutException)
        {
            // It goes on in the background.
        }

        await base.StartAsync(cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            while (true)
            {
                await Task.Delay(PollEvery, time, stoppingToken);
                await PollAsync(stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The host stops.
        }
    }

    private async Task PollAsync(CancellationToken cancellationToken)
    {
        try
        {
            if (await table.StampAsync(cancellationToken) != _stamp)
            {
                await ReloadAsync(cancellationToken);
            }

            Interlocked.Exchange(ref _seen, time.GetTimestamp());
        }
        catch (DatabaseUnavailableException)
        {
            // The database itself has said so.
        }
    }

    /// <summary>One after the other: an older reading must not take the place of a newer one.</summary>
    private async Task ReloadAsync(CancellationToken cancellationToken)
    {
        await _reloading.WaitAsync(cancellationToken);
        try
        {
            await ReadAllAsync(cancellationToken);
        }
        finally
        {
            _reloading.Release();
        }
    }

    private async Task ReadAllAsync(CancellationToken cancellationToken)
    {
        var stamp = await table.StampAsync(cancellationToken);
        var rows = await table.ReadAsync(cancellationToken);
        var keys = new List<MintedKey>(rows.Count);
        foreach (var (sha256, definition, created) in rows)
        {
            if (start.Loader.ReadMintedKey(Encoding.UTF8.GetBytes(definition), Convert.FromHexString(sha256), out var problems) is { } key)
            {
                keys.Add(new MintedKey(key, definition, DateTimeOffset.UnixEpoch.AddTicks(created * TimeSpan.TicksPerMicrosecond)));
            }
            else
            {
                Log.Unreadable(logger, problems.Count > 0 ? problems[0].ToString() : "");
            }
        }

        _all = keys;
        _byHash = keys.ToFrozenDictionary(key => Convert.ToHexStringLower(key.Key.Sha256), key => key.Key, StringComparer.Ordinal);
        _stamp = stamp;
        Interlocked.Exchange(ref _seen, time.GetTimestamp());
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 920, Level = LogLevel.Information, Message = "a client key named {Name} was made")]
        public static partial void Minted(ILogger logger, string name);

        [LoggerMessage(EventId = 921, Level = LogLevel.Information, Message = "{Count} client keys named {Name} were revoked")]
        public static partial void Revoked(ILogger logger, string name, int count);

        [LoggerMessage(EventId = 922, Level = LogLevel.Error, Message = "a client key of the database cannot be read and is not in force: {Problem}")]
        public static partial void Unreadable(ILogger logger, string problem);
    }
}
