using System.Collections.Concurrent;
using LlmGateway.Configuration;
using LlmGateway.Model;
using LlmGateway.Resilience;

namespace LlmGateway.Access;

/// <summary>
/// Ends running streams whose key is revoked or has expired meanwhile, wherever that was done. A key that was taken out of the keys file is
/// another matter: requests under way keep the configuration they started with. Keys that can neither be revoked nor expire cost nothing.
/// </summary>
internal sealed class KeyEnds(MintedKeys minted, GatewayConfigSource configuration, TimeProvider time) : BackgroundService, IKeyEnds
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<string, Watched> _watched = new(StringComparer.Ordinal);

    public CancellationToken Of(ClientKey key) => key.IsMinted || key.ExpiresAt is not null
        ? _watched.GetOrAdd(Convert.ToHexStringLower(key.Sha256), static (_, key) => new Watched(key, new CancellationTokenSource()), key).Ended.Token
        : default;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            while (true)
            {
                await Task.Delay(LookEvery, time, stoppingToken);
                await LookAsync();
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The host stops.
        }
    }

    private async Task LookAsync()
    {
        foreach (var (hash, watched) in _watched)
        {
            if (HasEnded(hash, watched.Key) && _watched.TryRemove(hash, out var ended))
            {
                // Not disposed: whoever asked a moment ago still has its token.
                await ended.Ended.CancelAsync();
            }
        }
    }

    /// <summary>What is in force now counts, in the first place: a key may have been given more time.</summary>
    private bool HasEnded(string hash, ClientKey key)
    {
        var inForce = configuration.Current.ClientKeys.GetValueOrDefault(hash) ?? minted.ByHash.GetValueOrDefault(hash);
        return (inForce is null && key.IsMinted) || time.GetUtcNow() >= (inForce ?? key).ExpiresAt;
    }

    private sealed record Watched(ClientKey Key, CancellationTokenSource Ended);
}
