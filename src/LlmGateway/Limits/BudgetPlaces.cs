using System.Collections.Concurrent;
using LlmGateway.Model;

namespace LlmGateway.Limits;

/// <summary>Finds the budget that a request belongs to: its key's, in the period in which it came.</summary>
internal sealed class BudgetPlaces(SharedLimits shared)
{
    private readonly ConcurrentDictionary<string, KeyPlaces> _keys = new(StringComparer.Ordinal);

    public BudgetPlace Of(ClientKey key, DateTimeOffset arrived)
    {
        var places = _keys.GetOrAdd(key.Name, static _ => new KeyPlaces());
        return places.Latest is { } latest && latest.Holds(key.BudgetPeriod, arrived) ? latest : Find(places, key, arrived);
    }

    private BudgetPlace Find(KeyPlaces places, ClientKey key, DateTimeOffset arrived)
    {
        var period = BudgetPeriod.Of(key.BudgetPeriod, arrived);
        var place = places.All.GetOrAdd(period.Id, id => new BudgetPlace(key.Name, key.BudgetPeriod, period, shared.KeysOf(key.Name).Budget(id)));
        if (places.Latest is not { } latest || latest.PeriodName != key.BudgetPeriod || latest.Period.Start < period.Start)
        {
            places.Latest = place;
        }

        foreach (var (id, old) in places.All)
        {
            // Streams may still run that began long before the period's end.
            if (old.Period.End is { } end && end + TimeSpan.FromDays(1) < arrived)
            {
                places.All.TryRemove(id, out _);
            }
        }

        return place;
    }

    private sealed class KeyPlaces
    {
        private volatile BudgetPlace? _latest;

        public ConcurrentDictionary<string, BudgetPlace> All { get; } = new(StringComparer.Ordinal);

        public BudgetPlace? Latest { get => _latest; set => _latest = value; }
    }
}
