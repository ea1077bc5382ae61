using System.Buffers;
using LlmGateway.Model;

namespace LlmGateway.Caching;

/// <summary>Gathers one answer for the cache and for those who wait for it; if it does not come to its end, they are told.</summary>
internal sealed class CacheWriter(ResponseCache cache, CacheFlight? flight, string key, TimeSpan ttl, GatewayRequest request) : IDisposable
{
    private ArrayBufferWriter<byte>? _gathered = new();

    /// <summary>Keeps a piece of a stream.</summary>
    public void Gather(ReadOnlySpan<byte> bytes)
    {
        if (_gathered is { } gathered)
        {
            gathered.Write(bytes);
            if (gathered.WrittenCount > ResponseCache.MaxEntryBytes)
            {
                GiveUp();
            }
        }
    }

    /// <summary>The stream has come to its end.</summary>
    public ValueTask KeepGatheredAsync(bool isClean)
    {
        if (_gathered is { } gathered && isClean)
        {
            _gathered = null;
            return KeepAsync(gathered.WrittenMemory, isStream: true);
        }

        GiveUp();
        return ValueTask.CompletedTask;
    }

    /// <summary>An answer that came as a whole.</summary>
    public ValueTask KeepWholeAsync(ReadOnlyMemory<byte> body)
    {
        if (request.Operation == Operation.Embeddings || CleanAnswer.IsClean(body))
        {
            return KeepAsync(body, isStream: false);
        }

        GiveUp();
        return ValueTask.CompletedTask;
    }

    /// <summary>This answer is not one to keep.</summary>
    public void GiveUp()
    {
        _gathered = null;
        flight?.ShareNothing();
    }

    /// <summary>Whoever has not heard of an answer by now will not: the client has left.</summary>
    public void Dispose() => flight?.Abandon();

    private async ValueTask KeepAsync(ReadOnlyMemory<byte> body, bool isStream)
    {
        var tally = request.Tally;
        if ((tally.Answer ?? tally.LastAttempt)?.Target is not { } target)
        {
            GiveUp();
            return;
        }

        var entry = new CacheEntry { Provider = target.Provider.Name, Model = target.Model, CostMicroUsd = tally.Spent().CostMicroUsd, IsStream = isStream, Body = body };
        await cache.StoreAsync(key, entry, ttl);
        flight?.Share(entry);
    }
}
