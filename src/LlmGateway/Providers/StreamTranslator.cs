using System.Buffers;
using LlmGateway.Model;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Providers;

/// <summary>
/// Translates one streamed answer, event by event, into OpenAI's server-sent events. Made per response, not thread-safe.
/// What it writes is what the client gets; until <see cref="HasFirstToken"/> nothing of it leaves the gateway.
/// </summary>
public abstract class StreamTranslator(WireFraming framing)
{
    /// <summary>How the provider's bytes are cut into events.</summary>
    public WireFraming Framing { get; } = framing;

    /// <summary>Whether content, reasoning, a refusal, a tool call or a finish reason has been seen (contract: first token).</summary>
    public bool HasFirstToken { get; protected set; }

    /// <summary>Whether the provider said why it stopped: without this the end of the stream is a cut.</summary>
    public bool HasFinish { get; protected set; }

    /// <summary>Whether the provider said that nothing follows: reading stops.</summary>
    public bool IsDone { get; protected set; }

    /// <summary>An error that the provider told inside the stream; reading stops.</summary>
    public ProviderError? Error { get; protected set; }

    /// <summary>What the provider says it used; the last word counts.</summary>
    public TokenUsage? Usage { get; protected set; }

    /// <summary>Tokens counted from what was seen, for streams that end without usage.</summary>
    public long TokensSeen { get; protected set; }

    /// <summary>Takes one complete event. Must not throw for anything a provider can send: what it cannot read becomes <see cref="Error"/>.</summary>
    public abstract void OnEvent(in WireEvent wireEvent, IBufferWriter<byte> output);

    /// <summary>The stream has ended after a finish: writes what is still owed (the usage chunk, <c>[DONE]</c>).</summary>
    public abstract void OnEnd(IBufferWriter<byte> output);

    /// <summary>The stream broke off after its first token: writes the one event that ends it. An SDK raises it as an error, and no text that came before looks complete.</summary>
    public virtual void OnFailure(GatewayError error, IBufferWriter<byte> output)
    {
        output.Write("data: "u8);
        output.Write(ErrorJson.Write(error));
        output.Write("\n\n"u8);
    }

    /// <summary>Usage to be told to a client that asked for it and whose provider gave none; set by the caller before <see cref="OnEnd"/>.</summary>
    public TokenUsage? EstimatedUsage { get; set; }

    /// <summary>Counts a piece of output that was seen. Providers stream about a token at a time: a short piece is one, a long one is counted by length.</summary>
    protected void CountOutput(int utf8Bytes)
    {
        if (utf8Bytes > 0)
        {
            TokensSeen += utf8Bytes <= 12 ? 1 : (utf8Bytes + 3) / 4;
        }
    }

    /// <summary>Says that the provider sent something that is no answer.</summary>
    protected void FailInvalid(string message) => Error ??= new ProviderError(200, message) { Reason = FailureReason.InvalidResponse };
}
