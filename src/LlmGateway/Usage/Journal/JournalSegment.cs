using Microsoft.Win32.SafeHandles;

namespace LlmGateway.Usage.Journal;

/// <summary>One file of a journal. Entries are only appended to it; it is deleted as a whole.</summary>
internal sealed class JournalSegment : IDisposable
{
    private readonly SafeFileHandle _handle;
    private readonly string _path;
    private long _written;

    private JournalSegment(string path, SafeFileHandle handle, long written) => (_path, _handle, _written) = (path, handle, written);

    /// <summary>Bytes of whole entries.</summary>
    public long Written => Volatile.Read(ref _written);

    public string Name => Path.GetFileName(_path);

    /// <summary>Up to here it has been read; only the reader uses it.</summary>
    public long ReadTo { get; set; }

    /// <summary>Calls noted in it of whose request the end has not been read; only the reader uses it.</summary>
    public int OpenCalls { get; set; }

    public static JournalSegment Create(string path) =>
        new(path, File.OpenHandle(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete), 0);

    public static JournalSegment Open(string path)
    {
        var handle = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        return new(path, handle, RandomAccess.GetLength(handle));
    }

    /// <summary>Appends whole entries. When it fails, the next try writes over what was written of them.</summary>
    public void Append(ReadOnlySpan<byte> entries)
    {
        RandomAccess.Write(_handle, entries, _written);
        Volatile.Write(ref _written, _written + entries.Length);
    }

    public int Read(Span<byte> buffer, long from) => RandomAccess.Read(_handle, buffer[..(int)Math.Min(buffer.Length, Written - from)], from);

    public void FlushToDisk() => RandomAccess.FlushToDisk(_handle);

    public void Delete()
    {
        _handle.Dispose();
        File.Delete(_path);
    }

    public void Dispose() => _handle.Dispose();
}
