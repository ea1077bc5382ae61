using System.Buffers;
using LlmGateway.Model;

namespace LlmGateway.Api;

/// <summary>
/// Lends buffers for request bodies of a long prompt's size: made anew for each request they would be most of what the collector has to do.
/// </summary>
internal static class BodyBuffers
{
    /// <summary>What is shorter costs less to make than to lend.</summary>
    private const int Shortest = 16 * 1024;

    /// <summary>What is longer is rare, and would be kept for nobody.</summary>
    private const int Longest = 256 * 1024;

    /// <summary>A buffer of at least this length, which belongs to the request.</summary>
    public static byte[] Take(RequestScope scope, int length) => length is < Shortest or > Longest
        ? GC.AllocateUninitializedArray<byte>(length)
        : scope.BodyBuffer = ArrayPool<byte>.Shared.Rent(length);

    /// <summary>
    /// The request is over. Its buffer is lent again only where nobody can have kept a part of it: one call was made, which took all of the
    /// body before it answered (as HTTP/1.1 does) and has ended well. Else the collector gets it: another request's words must never stand
    /// in a body that is still on its way.
    /// </summary>
    public static void Return(HttpContext context, RequestScope scope)
    {
        if (scope.BodyBuffer is { } buffer && !context.RequestAborted.IsCancellationRequested
            && scope.Tally.LastAttempt is { Previous: null, HasEnded: true, Outcome: FailureReason.None, Target.Provider.SpeaksHttp2: false })
        {
            scope.BodyBuffer = null;
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
