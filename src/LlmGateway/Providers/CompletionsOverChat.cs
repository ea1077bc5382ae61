using System.Buffers;
using LlmGateway.Model;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Providers;

/// <summary>Lends legacy completions to a dialect that knows chat alone: the prompt goes as a user message, the answer comes back as text.</summary>
internal sealed class CompletionsOverChat(IProviderDialect chat) : IProviderDialect
{
    public string Name => chat.Name;

    public IModelCatalog? Catalog => chat.Catalog;

    public ITokenCounter? TokenCounter => chat.TokenCounter;

    public bool Supports(Operation operation) => operation == Operation.Completions || chat.Supports(operation);

    public ProviderCall CreateCall(GatewayRequest request, ProviderTarget target, TargetHabits habits)
    {
        if (request.Operation != Operation.Completions)
        {
            return chat.CreateCall(request, target, habits);
        }

        return CompletionAsChat.WhyNot(request) is var (reason, param)
            ? ProviderCall.CannotCarry(reason, param)
            : chat.CreateCall(CompletionAsChat.Derive(request, target), target, habits);
    }

    public ProviderReply ReadReply(ReadOnlyMemory<byte> body, GatewayRequest request, ProviderTarget target)
    {
        if (request.Operation != Operation.Completions)
        {
            return chat.ReadReply(body, request, target);
        }

        var reply = chat.ReadReply(body, CompletionAsChat.Derive(request, target), target);
        if (reply.Error is not null)
        {
            return reply;
        }

        var text = new ArrayBufferWriter<byte>(reply.Body.Length + 64);
        return TextCompletion.TryWrite(reply.Body, text) ? reply with { Body = text.WrittenMemory } : ProviderReply.Invalid("the answer held no text");
    }

    public StreamTranslator CreateStreamTranslator(GatewayRequest request, ProviderTarget target) => request.Operation == Operation.Completions
        ? new ChatToTextTranslator(chat.CreateStreamTranslator(CompletionAsChat.Derive(request, target), target))
        : chat.CreateStreamTranslator(request, target);

    public ProviderError ReadError(int status, ReadOnlySpan<byte> body) => chat.ReadError(status, body);

    public TargetHabits LearnFrom(ProviderError error, GatewayRequest request, TargetHabits known) => chat.LearnFrom(error, request, known);
}
