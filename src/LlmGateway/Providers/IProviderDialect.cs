using LlmGateway.Model;

namespace LlmGateway.Providers;

/// <summary>How to speak with one kind of provider: it knows the gateway's nouns and its own wire, nothing else.</summary>
public interface IProviderDialect
{
    /// <summary>The name that <c>type</c> in the settings file refers to.</summary>
    string Name { get; }

    bool Supports(Operation operation);

    /// <summary>Builds the provider's request afresh from the original; no header of the client is copied.</summary>
    ProviderCall CreateCall(GatewayRequest request, ProviderTarget target, TargetHabits habits);

    /// <summary>Turns a whole answer (status 200) into OpenAI's form, or says what is wrong with it.</summary>
    ProviderReply ReadReply(ReadOnlyMemory<byte> body, GatewayRequest request, ProviderTarget target);

    /// <summary>Translates one streamed answer into OpenAI's events.</summary>
    StreamTranslator CreateStreamTranslator(GatewayRequest request, ProviderTarget target);

    /// <summary>Reads an error answer; <paramref name="body"/> holds its first 64 KiB.</summary>
    ProviderError ReadError(int status, ReadOnlySpan<byte> body);

    /// <summary>What a refusal teaches that is not <paramref name="known"/> yet: then the call is sent again without the offending part.</summary>
    TargetHabits LearnFrom(ProviderError error, GatewayRequest request, TargetHabits known) => TargetHabits.None;

    /// <summary>How to ask for the provider's models; null where it has no list.</summary>
    IModelCatalog? Catalog => null;

    /// <summary>How to ask for the tokens of a prompt; null where the provider has no call for it.</summary>
    ITokenCounter? TokenCounter => null;
}
