using LlmGateway.Model;

namespace LlmGateway.Surfaces;

/// <summary>How to speak with one kind of client that does not speak OpenAI's form: the mirror of a provider dialect.</summary>
public interface IClientDialect
{
    /// <summary>Travels with the request as <see cref="GatewayRequest.Surface"/>.</summary>
    string Name { get; }

    /// <summary>Which providers speak the same form: one of them gets the client's own body and answers for itself. Null: none.</summary>
    NativeForm? NativeForm => null;

    /// <summary>Content type of a streamed answer.</summary>
    string StreamType { get; }

    /// <summary>Header that repeats the request's id for this kind of client; null: none.</summary>
    string? RequestIdHeader => null;

    /// <summary>Whether clients of this kind send JSON under any content type.</summary>
    bool TakesAnyContentType => false;

    /// <summary>Headers that go on with the request to a provider of the client's own form.</summary>
    IReadOnlyList<string> NativeHeaders => [];

    /// <summary>Turns a request into OpenAI's form.</summary>
    /// <param name="body">The body, checked: a JSON object without duplicate members, of valid text.</param>
    /// <param name="config">The request's snapshot.</param>
    /// <param name="agent">The agent that header or path name; null: none.</param>
    ClientCall ReadRequest(ReadOnlyMemory<byte> body, GatewayConfig config, string? agent = null);

    /// <summary>Turns a whole completion into the client's form; null where it is none.</summary>
    byte[]? WriteReply(ReadOnlyMemory<byte> completion, GatewayRequest request);

    /// <summary>Turns one streamed answer into the client's events.</summary>
    ClientStreamWriter CreateStreamWriter(GatewayRequest request);

    /// <summary>An error in the client's form.</summary>
    byte[] WriteError(GatewayError error, string requestId);
}
