using System.Buffers;
using System.Collections.Concurrent;
using System.Threading.Channels;

namespace LlmGateway.Usage.Journal;

/// <summary>
/// Appends entries to this process' journal. Whoever adds an entry while nobody writes, writes: usually one entry, else all that others have
/// added meanwhile in one go, and those wait for it without a thread. So a note costs one system call to the file cache, a disk that stalls
/// holds one thread, and what has been written survives the process, however that ends. Nobody waits for a record: right after another write
/// it goes with the next one, a moment later, which halves the writes of a busy gateway. Nothing here takes a lock.
/// </summary>
internal sealed partial class JournalWriter(
    JournalOptions options, JournalFolder folder, UsageQueue fallback, LostRecords lost, TimeProvider time, ILogger<JournalWriter> logger) : IThreadPoolWorkItem, IDisposable
{
    private readonly long _hold = (long)(options.HoldRecords.TotalSeconds * time.TimestampFrequency);
    private readonly ConcurrentQueue<JournalSegment> _opened = new();
    private readonly Channel<bool> _signal = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private PendingEntry? _last;
    private int _isWriting;
    private bool _isAwaited;
    private bool _isSignalled;
    private long _writtenAt;
    private long _bytesOnDisk;
    private volatile string? _trouble;

    /// <summary>Only who writes uses these.</summary>
    private JournalOwner? _owner;
    private JournalSegment? _segment;
    private byte[] _group = new byte[64 * 1024];

    /// <summary>Whether it takes no more until the database has taken some.</summary>
    public bool IsFull => Interlocked.Read(ref _bytesOnDisk) >= options.MostBytes;

    /// <summary>Why it cannot be written; null while it can.</summary>
    public string? Trouble => _trouble;

    /// <summary>Files in the order in which they were begun; each is taken once.</summary>
    public bool TryTakeOpened(out JournalSegment? segment) => _opened.TryDequeue(out segment);

    /// <summary>Returns when there are records that were not there at the last <see cref="BeginReading"/>.</summary>
    public ValueTask<bool> WaitForRecordsAsync(CancellationToken cancellationToken) => _signal.Reader.WaitToReadAsync(cancellationToken);

    /// <summary>Writes what is held back, for one who then reads all that is there, in all files: nobody is told of it again.</summary>
    public void BeginReading()
    {
        _signal.Reader.TryRead(out _);
        Volatile.Write(ref _isSignalled, false);
        Interlocked.MemoryBarrier();
        Flush();
    }

    /// <summary>Writes what is held back.</summary>
    public void Flush()
    {
        if (Volatile.Read(ref _last) is not null)
        {
            TryWriteAll();
        }
    }

    /// <summary>Returns when the note is in the file, or cannot be written. A full journal takes none.</summary>
    public ValueTask AppendAsync(DispatchedCall call)
    {
        if (IsFull)
        {
            return default;
        }

        var (bytes, length) = JournalCodec.Write(call);
        var entry = new PendingEntry(bytes, length, record: null);
        Add(entry);
        return TryWriteAll() ? default : entry.WaitAsync();
    }

    /// <summary>Adds a record without waiting for it. A full journal loses it.</summary>
    public void Append(RequestRecord record)
    {
        if (IsFull)
        {
            lost.Add(1);
            return;
        }

        var (bytes, length) = JournalCodec.Write(record);
        Add(new PendingEntry(bytes, length, record));
        if (time.GetTimestamp() - Volatile.Read(ref _writtenAt) >= _hold)
        {
            TryWriteAll();
        }
        else
        {
            Signal();
        }
    }

    /// <summary>Counts what is on disk and was not written here (files of a dead process), or is gone.</summary>
    public void CountOnDisk(long bytes) => Interlocked.Add(ref _bytesOnDisk, bytes);

    /// <summary>Goes on for a thread that has written its own.</summary>
    void IThreadPoolWorkItem.Execute() => TryWriteAll();

    /// <summary>Leaves the files to whoever comes next, or nothing where nothing is left in them. Nobody adds any more.</summary>
    public void Close(bool isEmpty)
    {
        if (isEmpty)
        {
            _owner?.Leave();
        }
        else
        {
            _owner?.Dispose();
        }

        _owner = null;
        _segment = null;
    }

    public void Dispose() => _owner?.Dispose();

    private void Add(PendingEntry entry)
    {
        PendingEntry? last;
        do
        {
            last = Volatile.Read(ref _last);
            entry.Next = last;
        }
        while (Interlocked.CompareExchange(ref _last, entry, last) != last);
    }

    /// <summary>Whether all that was added is in the file now; else whoever writes just now sees to it.</summary>
    private bool TryWriteAll()
    {
        // Said after the entry was added and before asking who writes, so that it is seen by whoever does.
        Volatile.Write(ref _isAwaited, true);
        if (Interlocked.CompareExchange(ref _isWriting, 1, 0) != 0)
        {
            return false;
        }

        Volatile.Write(ref _isAwaited, false);
        WriteAll();
        Interlocked.Exchange(ref _isWriting, 0);
        if (Volatile.Read(ref _isAwaited) && Volatile.Read(ref _last) is not null)
        {
            ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
        }

        return true;
    }

    private void Signal()
    {
        if (!Volatile.Read(ref _isSignalled))
        {
            Volatile.Write(ref _isSignalled, true);
            _signal.Writer.TryWrite(true);
        }
    }

    private void WriteAll()
    {
        var first = Reverse(Interlocked.Exchange(ref _last, null), out var length);
        if (first is null)
        {
            return;
        }

        try
        {
            Append(first, length);
            if (_trouble is not null)
            {
                _trouble = null;
                Log.Recovered(logger);
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            KeepInMemory(first, exception.Message);
        }

        var hasRecord = false;
        for (var entry = first; entry is not null;)
        {
            var next = entry.Next;
            hasRecord |= entry.Record is not null;
            ArrayPool<byte>.Shared.Return(entry.Bytes);
            entry.Complete();
            entry = next;
        }

        Volatile.Write(ref _writtenAt, time.GetTimestamp());
        if (hasRecord)
        {
            Signal();
        }
    }

    private void Append(PendingEntry first, int length)
    {
        if (_segment is null || _segment.Written + length > options.SegmentBytes)
        {
            _owner ??= folder.Enter();
            _segment = _owner.CreateSegment();
            _opened.Enqueue(_segment);
        }

        if (first.Next is null)
        {
            _segment.Append(first.Bytes.AsSpan(0, length));
        }
        else
        {
            if (_group.Length < length)
            {
                _group = new byte[length * 2];
            }

            var to = 0;
            for (var entry = first; entry is not null; entry = entry.Next)
            {
                entry.Bytes.AsSpan(0, entry.Length).CopyTo(_group.AsSpan(to));
                to += entry.Length;
            }

            _segment.Append(_group.AsSpan(0, length));
        }

        Interlocked.Add(ref _bytesOnDisk, length);
    }

    /// <summary>A disk that does not take them leaves memory, which is bounded, too.</summary>
    private void KeepInMemory(PendingEntry first, string reason)
    {
        if (_trouble is null)
        {
            Log.Broken(logger, reason);
        }

        _trouble = reason;
        if (!Directory.Exists(options.Folder))
        {
            // Somebody removed it, and with it the lock that guarded this process' name.
            _owner?.Dispose();
            (_owner, _segment) = (null, null);
        }

        for (var entry = first; entry is not null; entry = entry.Next)
        {
            if (entry.Record is { } record && !fallback.TryAdd(record))
            {
                lost.Add(1);
            }
        }
    }

    /// <summary>Entries were stacked; they are written in the order in which they came.</summary>
    private static PendingEntry? Reverse(PendingEntry? last, out int length)
    {
        length = 0;
        PendingEntry? first = null;
        for (var entry = last; entry is not null;)
        {
            var before = entry.Next;
            entry.Next = first;
            first = entry;
            length += entry.Length;
            entry = before;
        }

        return first;
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 710, Level = LogLevel.Error, Message = "the usage journal cannot be written, records are kept in memory: {Reason}")]
        public static partial void Broken(ILogger logger, string reason);

        [LoggerMessage(EventId = 711, Level = LogLevel.Information, Message = "the usage journal can be written again")]
        public static partial void Recovered(ILogger logger);
    }
}
