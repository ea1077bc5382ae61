using System.Buffers;

namespace LlmGateway.Surfaces;

/// <summary>Turns one answer's stream of OpenAI chunks into a client's own events. Made per response, not thread-safe; it never throws.</summary>
public abstract class ClientStreamWriter
{
    /// <summary>Set when the answer cannot go on in the client's form; the error event follows.</summary>
    public string? Problem { get; protected set; }

    /// <summary>Takes one chunk.</summary>
    /// <param name="delta">What it holds; offsets into <paramref name="chunk"/>.</param>
    /// <param name="chunk">Its JSON.</param>
    /// <param name="output">Where the client's events go.</param>
    public abstract void OnDelta(OpenAiDelta delta, ReadOnlySpan<byte> chunk, IBufferWriter<byte> output);

    /// <summary>The provider is alive and has nothing to say.</summary>
    public virtual void OnPing(IBufferWriter<byte> output)
    {
    }

    /// <summary>The answer is whole.</summary>
    public abstract void OnEnd(IBufferWriter<byte> output);

    /// <summary>The answer broke off.</summary>
    public abstract void OnFailure(string message, IBufferWriter<byte> output);
}
