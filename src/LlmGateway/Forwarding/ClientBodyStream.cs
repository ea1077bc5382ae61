using System.Buffers;
using System.IO.Pipelines;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Forwarding;

/// <summary>
/// A body as the client sends it, whose reading can be given up and leaves the connection usable: the server's own stream stays in the
/// middle of a read that was cancelled, cannot drain what is left, and closes the connection under an answer on its way.
/// </summary>
internal sealed class ClientBodyStream(PipeReader reader) : ReadOnlyStream
{
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            ReadResult result;
            await using (cancellationToken.UnsafeRegister(static state => ((PipeReader)state!).CancelPendingRead(), reader))
            {
                result = await reader.ReadAsync(CancellationToken.None);
            }

            var received = result.Buffer;
            if (received.IsEmpty && !result.IsCompleted)
            {
                // Given up, or nothing has come yet.
                reader.AdvanceTo(received.Start, received.End);
                continue;
            }

            var count = (int)Math.Min(received.Length, buffer.Length);
            var taken = received.Slice(0, count);
            taken.CopyTo(buffer.Span);
            reader.AdvanceTo(taken.End);
            return count;
        }
    }
}
