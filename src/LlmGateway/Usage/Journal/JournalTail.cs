namespace LlmGateway.Usage.Journal;

/// <summary>
/// Reads the entries of one process' journal in order, remembers which calls are still open, and tells which files nobody needs any more.
/// Records count as safe only once their reader says so: then alone may the files go that held them or the notes of their calls.
/// </summary>
/// <param name="keepsCalls">Whether what was noted of open calls is wanted, which it is of a dead process.</param>
/// <param name="time">Clock of their age.</param>
internal sealed class JournalTail(bool keepsCalls, TimeProvider time) : IDisposable
{
    private readonly List<JournalSegment> _segments = [];
    private readonly Dictionary<Guid, OpenRequest> _open = [];
    private readonly List<Guid> _ended = [];
    private readonly HashSet<Guid> _justEnded = [];
    private byte[] _buffer = new byte[64 * 1024];

    /// <summary>Bytes that could not be understood and were left out.</summary>
    public long Damaged { get; private set; }

    /// <summary>Whether it holds a file that is not all read, or still needed.</summary>
    public bool IsEmpty => _segments.All(segment => segment.ReadTo == segment.Written) && _open.Count == 0 && _ended.Count == 0;

    /// <summary>Whether records were handed out that are not known to be safe.</summary>
    public bool AwaitsConfirmation => _ended.Count > 0;

    public void Add(JournalSegment segment) => _segments.Add(segment);

    /// <summary>Adds records until there are so many, or no more to read.</summary>
    public void Fill(List<RequestRecord> batch, int most)
    {
        foreach (var segment in _segments)
        {
            while (batch.Count < most && segment.ReadTo < segment.Written)
            {
                Read(segment, batch, most);
            }
        }
    }

    /// <summary>All records that were handed out are safe.</summary>
    public void Confirm()
    {
        foreach (var id in _ended)
        {
            if (_open.Remove(id, out var request))
            {
                request.Segments.ForEach(static segment => segment.OpenCalls--);
            }
        }

        // The call of a race that was lost may be noted when its request has already ended.
        if (_ended.Count > 0)
        {
            _justEnded.Clear();
            _justEnded.UnionWith(_ended);
        }

        _ended.Clear();
    }

    /// <summary>Gives up on requests whose end will not come any more; their files would be kept for ever.</summary>
    public void ForgetOlderThan(TimeSpan age)
    {
        foreach (var (id, request) in _open.Where(open => time.GetElapsedTime(open.Value.Since) > age).ToArray())
        {
            request.Segments.ForEach(static segment => segment.OpenCalls--);
            _open.Remove(id);
        }
    }

    /// <summary>Deletes what is read, safe and followed by a newer file, and answers its size.</summary>
    /// <param name="includesLast">Whether the last file goes, too: nothing is written to it any more.</param>
    public long DeleteSpent(bool includesLast)
    {
        var deleted = 0L;
        for (var i = _segments.Count - (includesLast ? 1 : 2); i >= 0; i--)
        {
            var segment = _segments[i];
            if (_ended.Count == 0 && segment.OpenCalls == 0 && segment.ReadTo == segment.Written)
            {
                segment.Delete();
                deleted += segment.Written;
                _segments.RemoveAt(i);
            }
        }

        return deleted;
    }

    /// <summary>Takes the calls of which no end was read, one list for each request.</summary>
    public IReadOnlyList<IReadOnlyList<DispatchedCall>> TakeOpenCalls()
    {
        IReadOnlyList<IReadOnlyList<DispatchedCall>> calls = [.. _open.Values.Select(request => request.Calls)];
        _ended.AddRange(_open.Keys);
        return calls;
    }

    public void FlushToDisk() => _segments.LastOrDefault()?.FlushToDisk();

    public void Dispose() => _segments.ForEach(static segment => segment.Dispose());

    private void Read(JournalSegment segment, List<RequestRecord> batch, int most)
    {
        var count = segment.Read(_buffer, segment.ReadTo);
        var bytes = _buffer.AsSpan(0, count);
        while (batch.Count < most)
        {
            var length = EntryReader.LengthOf(bytes);
            if (length < 0 || (length > 0 && length <= bytes.Length && !TryRead(bytes[..length], segment, batch)))
            {
                Skip(segment);
                return;
            }

            if (length == 0 || length > bytes.Length)
            {
                if (bytes.Length == count)
                {
                    GrowOrSkip(segment, length, count);
                }

                return;
            }

            bytes = bytes[length..];
            segment.ReadTo += length;
        }
    }

    /// <summary>Not one whole entry was read: the buffer is too small for it, or the file ends in the middle of it.</summary>
    private void GrowOrSkip(JournalSegment segment, int length, int count)
    {
        if (length == 0 || segment.ReadTo + length > segment.Written)
        {
            Skip(segment);
        }
        else if (length > count)
        {
            _buffer = new byte[length];
        }
    }

    /// <summary>What follows cannot be understood: the last entry of a process that died while writing it, as a rule.</summary>
    private void Skip(JournalSegment segment)
    {
        Damaged += segment.Written - segment.ReadTo;
        segment.ReadTo = segment.Written;
    }

    private bool TryRead(ReadOnlySpan<byte> bytes, JournalSegment segment, List<RequestRecord> batch)
    {
        if (!EntryReader.TryOpen(bytes, out var entry))
        {
            return false;
        }

        switch (entry.Kind)
        {
            case EntryKind.Dispatched:
                NoteOpen(segment, ref entry);
                return true;
            case EntryKind.Ended:
                var id = entry.ReadId();
                batch.Add(JournalCodec.ReadEnded(id, ref entry));
                _ended.Add(id);
                return true;
            default:
                return false;
        }
    }

    private void NoteOpen(JournalSegment segment, ref EntryReader entry)
    {
        var id = entry.ReadId();
        if (_justEnded.Contains(id) || _ended.Contains(id))
        {
            return;
        }

        if (!_open.TryGetValue(id, out var request))
        {
            _open[id] = request = new(time.GetTimestamp());
        }

        segment.OpenCalls++;
        request.Segments.Add(segment);
        if (keepsCalls)
        {
            request.Calls.Add(JournalCodec.ReadDispatched(id, ref entry));
        }
    }

    private sealed class OpenRequest(long since)
    {
        public long Since { get; } = since;

        public List<JournalSegment> Segments { get; } = new(1);

        public List<DispatchedCall> Calls { get; } = [];
    }
}
