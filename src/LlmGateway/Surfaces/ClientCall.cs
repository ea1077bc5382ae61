using LlmGateway.Model;

namespace LlmGateway.Surfaces;

/// <summary>What a client's request came to: a chat request in OpenAI's form, an answer that needs no model, or the reason why there is neither.</summary>
public sealed record ClientCall
{
    private ClientCall()
    {
    }

    /// <summary>The request in OpenAI's form.</summary>
    public ReadOnlyMemory<byte> Body { get; private init; }

    /// <summary>The client's own fault.</summary>
    public GatewayError? Error { get; private init; }

    /// <summary>The whole answer, where no model is needed for it.</summary>
    public byte[]? Answer { get; private init; }

    /// <summary>Whether the client wants to see reasoning.</summary>
    public bool ShowsReasoning { get; init; } = true;

    /// <summary>Whether it holds what a provider of the client's own form would refuse, since another vendor made it.</summary>
    public bool NeedsTranslation { get; init; }

    /// <summary>What in it OpenAI's form cannot say, so that only a provider of the client's own form can carry it; null: nothing.</summary>
    public string? NativeOnly { get; init; }

    /// <summary>The agent that the body itself names, where the client's form lets it; null: header, path or model decide.</summary>
    public string? Agent { get; init; }

    /// <summary>The conversation that the body names; null: a header may.</summary>
    public SessionRef? Session { get; init; }

    /// <summary>The gateway's tools that the model may call; null: the profile's.</summary>
    public IReadOnlyList<string>? Tools { get; init; }

    /// <summary>Where calls of such tools are noted; null: nobody asks.</summary>
    public ToolTrace? ToolTrace { get; init; }

    /// <summary>Values for the placeholders of the profile's system prompt; null: it is taken as it stands.</summary>
    public IReadOnlyDictionary<string, string>? Variables { get; init; }

    public static ClientCall Ask(ReadOnlyMemory<byte> body) => new() { Body = body };

    public static ClientCall Refuse(GatewayError error) => new() { Error = error };

    public static ClientCall AnswerAtOnce(byte[] answer) => new() { Answer = answer };
}
