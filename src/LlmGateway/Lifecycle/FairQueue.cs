namespace LlmGateway.Lifecycle;

/// <summary>
/// A queue with a lane for each caller: the lanes take turns, and whoever sends much waits for his own. When it is full, a shorter lane gets
/// places of the longest one. A lane exists only while somebody waits in it. Not thread-safe: one lock guards it.
/// </summary>
/// <param name="limit">Places, those of all lanes together.</param>
internal sealed class FairQueue(int limit)
{
    private readonly Dictionary<string, LinkedListNode<QueueLane>> _lanes = new(StringComparer.Ordinal);

    /// <summary>The lanes in the order of their turns.</summary>
    private readonly LinkedList<QueueLane> _turns = [];

    /// <summary>How many wait.</summary>
    public int Count { get; private set; }

    /// <summary>How many lanes there are.</summary>
    public int Lanes => _lanes.Count;

    /// <summary>
    /// A place at the end of the caller's lane; null: there is none. Where the queue is full, the longest lane's newest loses its place if that
    /// leaves both lanes more even than they were; otherwise two lanes would go on taking one place from each other.
    /// </summary>
    public LinkedListNode<QueuePlace>? Add(string caller, out QueuePlace? displaced)
    {
        displaced = null;
        var known = _lanes.GetValueOrDefault(caller);
        if (Count >= limit)
        {
            if (Longest() is not { } longest || (known?.Value.Places.Count ?? 0) + 1 >= longest.Places.Count)
            {
                return null;
            }

            var newest = longest.Places.Last!;
            displaced = newest.Value;
            Remove(newest);
        }

        var lane = (known ?? Open(caller)).Value;
        Count++;
        return lane.Places.AddLast(new QueuePlace(lane));
    }

    /// <summary>Whose turn it is: the first of the lane that has waited longest for its turn; null: nobody waits.</summary>
    public QueuePlace? TakeNext()
    {
        if (_turns.First is not { } turn)
        {
            return null;
        }

        var next = turn.Value.Places.First!;
        _turns.RemoveFirst();
        _turns.AddLast(turn);
        Remove(next);
        return next.Value;
    }

    /// <summary>Takes somebody out who waits.</summary>
    public void Remove(LinkedListNode<QueuePlace> place)
    {
        var lane = place.Value.Lane;
        lane.Places.Remove(place);
        Count--;
        if (lane.Places.Count == 0 && _lanes.Remove(lane.Name, out var turn))
        {
            _turns.Remove(turn);
        }
    }

    private LinkedListNode<QueueLane> Open(string caller) => _lanes[caller] = _turns.AddLast(new QueueLane(caller));

    private QueueLane? Longest()
    {
        QueueLane? longest = null;
        foreach (var lane in _turns)
        {
            longest = lane.Places.Count > (longest?.Places.Count ?? 0) ? lane : longest;
        }

        return longest;
    }
}
