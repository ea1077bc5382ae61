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

    public static ClientCall Ask(ReadOnlyMemory<byte> body) => new() { Body = body };

    public static ClientCall Refuse(GatewayError error) => new() { Error = error };

    public static ClientCall AnswerAtOnce(byte[] answer) => new() { Answer = answer };
}
