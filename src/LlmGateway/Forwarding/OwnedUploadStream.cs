using LlmGateway.Ownership;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Forwarding;

/// <summary>
/// A body on its way to the provider that must not name another's object. No piece goes on before the objects named in it are known to be
/// the caller's or nobody's, so a body that names one never gets there whole.
/// </summary>
/// <param name="source">The body as it comes.</param>
/// <param name="call">Told of the refusal.</param>
/// <param name="named">Finds what it names.</param>
/// <param name="owners">Who owns what.</param>
internal sealed class OwnedUploadStream(Stream source, PassthroughCall call, INamedObjects named, PassthroughOwners owners) : ReadOnlyStream
{
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var read = await source.ReadAsync(buffer, cancellationToken);
        named.Read(buffer.Span[..read]);
        if (named.TakeFound() is { Count: > 0 } found
            && await owners.RefuseAsync(call.Request.Key, call.Request.Config, found, cancellationToken) is { } refusal)
        {
            call.Refusal = refusal;
            throw new IOException("The body names an object that is not the caller's.");
        }

        return read;
    }
}
