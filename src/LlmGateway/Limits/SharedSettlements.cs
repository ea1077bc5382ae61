using System.Threading.Channels;
using LlmGateway.Redis;

namespace LlmGateway.Limits;

/// <summary>
/// Tells Redis what requests have really used, behind their backs: places given back, tokens corrected, calls paid for. While Redis is away
/// they are kept, the latest of them if there are too many: what is held in Redis lapses by itself, and the ledger knows what was spent.
/// </summary>
internal sealed class SharedSettlements(RedisStore redis, TimeProvider time) : BackgroundService
{
    private const int MostKept = 100_000;
    private const int MostAtOnce = 64;

    /// <summary>What Redis, being up, did not take so often is not Redis' trouble but its own.</summary>
    private const int MostTries = 10;

    private static readonly TimeSpan WhileDown = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan LastPatience = TimeSpan.FromSeconds(1);

    private readonly SemaphoreSlim _recovered = new(0, 1);

    private readonly Channel<SharedSettlement> _waiting = Channel.CreateBounded<SharedSettlement>(new BoundedChannelOptions(MostKept)
    {
        SingleReader = true,
        FullMode = BoundedChannelFullMode.DropOldest,
    });

    /// <summary>Never waits.</summary>
    public void Add(SharedSettlement settlement) => _waiting.Writer.TryWrite(settlement);

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        _waiting.Writer.TryComplete();
        if (ExecuteTask is { } loop && redis.IsUp)
        {
            await Task.WhenAny(loop, Task.Delay(LastPatience, time, cancellationToken));
        }

        await base.StopAsync(cancellationToken);
    }

    public override void Dispose()
    {
        base.Dispose();
        _recovered.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var batch = new List<SharedSettlement>(MostAtOnce);
        redis.Recovered += OnRecovered;
        try
        {
            while (await _waiting.Reader.WaitToReadAsync(stoppingToken))
            {
                while (batch.Count < MostAtOnce && _waiting.Reader.TryRead(out var next))
                {
                    batch.Add(next);
                }

                await SettleAsync(batch, stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The host stops.
        }
        finally
        {
            redis.Recovered -= OnRecovered;
        }
    }

    // Whoever is let in again takes a place; those that were held before go back at once.
    private void OnRecovered()
    {
        try
        {
            _recovered.Release();
        }
        catch (Exception exception) when (exception is SemaphoreFullException or ObjectDisposedException)
        {
            // Known already, or over.
        }
    }

    /// <summary>Goes on until Redis has taken them all.</summary>
    private async Task SettleAsync(List<SharedSettlement> batch, CancellationToken stoppingToken)
    {
        var tries = 0;
        while (batch.Count > 0)
        {
            if (redis.IsUp)
            {
                tries++;
                var replies = await Task.WhenAll(batch.Select(RunAsync));
                for (var i = batch.Count - 1; i >= 0; i--)
                {
                    if (replies[i])
                    {
                        batch.RemoveAt(i);
                    }
                }
            }

            if (tries == MostTries)
            {
                batch.Clear();
            }
            else if (batch.Count > 0)
            {
                await _recovered.WaitAsync(WhileDown, stoppingToken);
            }
        }
    }

    private async Task<bool> RunAsync(SharedSettlement settlement)
    {
        if (settlement.IsWanted?.Invoke() == false)
        {
            return true;
        }

        var reply = await redis.RunAsync(settlement.Script, settlement.Keys, settlement.Arguments);
        if (reply.IsAnswered)
        {
            settlement.Done?.Invoke((long)reply.Value!);
        }

        return reply.IsAnswered;
    }
}
