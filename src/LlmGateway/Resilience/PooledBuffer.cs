using System.Buffers;

namespace LlmGateway.Resilience;

/// <summary>Bytes on their way to the client: written at the back, read at the front, given back to the pool whenever it is empty, so that an idle stream holds none.</summary>
internal sealed class PooledBuffer : IBufferWriter<byte>
{
    private const int MinimumSize = 4096;

    private byte[] _buffer = [];
    private int _start;
    private int _end;

    public int Length => _end - _start;

    public ReadOnlyMemory<byte> Memory => _buffer.AsMemory(_start, Length);

    public ReadOnlySpan<byte> Span => _buffer.AsSpan(_start, Length);

    public void Advance(int count) => _end += count;

    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        Reserve(Math.Max(sizeHint, 1));
        return _buffer.AsMemory(_end);
    }

    public Span<byte> GetSpan(int sizeHint = 0)
    {
        Reserve(Math.Max(sizeHint, 1));
        return _buffer.AsSpan(_end);
    }

    /// <summary>Forgets bytes at the front.</summary>
    public void Consume(int count)
    {
        _start += count;
        if (_start == _end)
        {
            Release();
        }
    }

    /// <summary>Moves as much as fits to <paramref name="destination"/>.</summary>
    public int MoveTo(Span<byte> destination)
    {
        var count = Math.Min(destination.Length, Length);
        Span[..count].CopyTo(destination);
        Consume(count);
        return count;
    }

    public void Release()
    {
        if (_buffer.Length > 0)
        {
            ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = [];
        }

        _start = _end = 0;
    }

    private void Reserve(int size)
    {
        if (_buffer.Length - _end >= size)
        {
            return;
        }

        var used = Length;
        if (_start > 0 && _buffer.Length - used >= size && used <= _buffer.Length / 2)
        {
            Span.CopyTo(_buffer);
        }
        else
        {
            var larger = ArrayPool<byte>.Shared.Rent(Math.Max(Math.Max(MinimumSize, size + used), _buffer.Length * 2));
            Span.CopyTo(larger);
            if (_buffer.Length > 0)
            {
                ArrayPool<byte>.Shared.Return(_buffer);
            }

            _buffer = larger;
        }

        _start = 0;
        _end = used;
    }
}
