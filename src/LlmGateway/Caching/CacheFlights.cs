using System.Collections.Concurrent;

namespace LlmGateway.Caching;

/// <summary>Calls under way whose answers may be cached: an identical request of the same client key waits for the first one's answer rather than asking too.</summary>
internal sealed class CacheFlights
{
    private readonly ConcurrentDictionary<string, CacheFlight> _flights = new(StringComparer.Ordinal);

    /// <summary>Takes the lead, or joins the one who has it.</summary>
    public CacheFlight Join(string key, out bool leads)
    {
        var own = new CacheFlight(this, key);
        var flight = _flights.GetOrAdd(key, own);
        leads = ReferenceEquals(flight, own);
        return flight;
    }

    internal void Leave(CacheFlight flight) => _flights.TryRemove(new(flight.Key, flight));
}
