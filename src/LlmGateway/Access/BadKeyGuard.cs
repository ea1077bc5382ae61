using System.Collections.Concurrent;
using System.Net;
using LlmGateway.Model;
using LlmGateway.Telemetry;

namespace LlmGateway.Access;

/// <summary>
/// Slows down who tries keys: after some wrong ones from one address, more of them are refused for some seconds. Right keys are never refused,
/// so that nobody behind the same address can lock another out.
/// </summary>
internal sealed class BadKeyGuard(GatewayMetrics metrics, TimeProvider time)
{
    /// <summary>Wrong keys of one address in one window.</summary>
    public const int MostTries = 50;

    private const int MostAddresses = 10_000;

    private static readonly TimeSpan Window = TimeSpan.FromSeconds(10);

    private readonly ConcurrentDictionary<UInt128, Tries> _addresses = new();

    /// <summary>Notes a wrong key; an error where there were too many.</summary>
    public GatewayError? Note(IPAddress? address)
    {
        var now = time.GetTimestamp();
        if (_addresses.Count >= MostAddresses)
        {
            Forget(now);
        }

        // Beyond the bound all share one count: an attacker with that many addresses gains nothing by more of them.
        var tries = _addresses.GetOrAdd(_addresses.Count < MostAddresses ? NetworkOf(address) : UInt128.MaxValue, static (_, at) => new Tries(at), now);
        if (tries.Count(now, (long)(Window.TotalSeconds * time.TimestampFrequency)) <= MostTries)
        {
            return null;
        }

        metrics.RateLimited("invalid_keys");
        return new GatewayError(
            429,
            ErrorTypes.RateLimit,
            ErrorCodes.RateLimitExceeded,
            "Too many wrong API keys came from this address. Try again later, with the client key that the gateway's operator gave you.",
            RetryAfter: Window - time.GetElapsedTime(tries.Since));
    }

    /// <summary>One IPv4 address, or the network that one IPv6 subscriber has.</summary>
    private static UInt128 NetworkOf(IPAddress? address)
    {
        if (address is null)
        {
            return 0;
        }

        Span<byte> bytes = stackalloc byte[16];
        bytes.Clear();
        address.MapToIPv6().TryWriteBytes(bytes, out _);
        if (!address.MapToIPv6().IsIPv4MappedToIPv6)
        {
            bytes[8..].Clear();
        }

        return System.Buffers.Binary.BinaryPrimitives.ReadUInt128BigEndian(bytes);
    }

    private void Forget(long now)
    {
        foreach (var (network, tries) in _addresses)
        {
            if (time.GetElapsedTime(tries.Since, now) > Window)
            {
                _addresses.TryRemove(network, out _);
            }
        }
    }

    private sealed class Tries(long since)
    {
        private long _since = since;
        private int _count;

        public long Since => Interlocked.Read(ref _since);

        public int Count(long now, long window)
        {
            var since = Since;
            if (now - since > window && Interlocked.CompareExchange(ref _since, now, since) == since)
            {
                Interlocked.Exchange(ref _count, 0);
            }

            return Interlocked.Increment(ref _count);
        }
    }
}
