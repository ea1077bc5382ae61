using System.Text.Json;
using LlmGateway.Model;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Surfaces;

/// <summary>Ollama's own API as clients see it: <c>/api/chat</c>, and under another name <c>/api/generate</c>. Any provider can answer them.</summary>
/// <remarks>
/// <c>options</c> become sampling: <c>num_predict</c> is the limit (below 1: none), the names that OpenAI has are its own, all others travel
/// as extensions of the same name. <c>keep_alive</c>, <c>truncate</c> and <c>shift</c> are a local server's affair and are left out.
/// <c>think</c> true is a medium effort, false none. <c>raw</c>, <c>template</c>, <c>suffix</c> and a <c>context</c> go past the chat form
/// altogether: a provider of type <c>ollama</c> alone carries them, so that a request finds another target or a clear 400. Without messages
/// or a prompt the "model" is loaded: an answer at once. At a provider of type <c>ollama</c> nothing of this is translated: body and answer go
/// through as they are, but for the model, a <c>stream</c> said aloud, and what the profile adds (see the provider's own native body).
/// </remarks>
public sealed class OllamaClientDialect : IClientDialect
{
    public const string ChatName = "ollama_chat";
    public const string GenerateName = "ollama_generate";

    private readonly TimeProvider _time;
    private readonly bool _isChat;

    private OllamaClientDialect(TimeProvider time, bool isChat)
    {
        (_time, _isChat) = (time, isChat);
        NativeForm = new NativeForm("ollama", isChat ? "/api/chat" : "/api/generate");
    }

    public string Name => _isChat ? ChatName : GenerateName;

    public NativeForm NativeForm { get; }

    public string StreamType => "application/x-ndjson";

    /// <summary>Ollama's own examples post with curl's default type, which is a form's.</summary>
    public bool TakesAnyContentType => true;

    public static OllamaClientDialect Chat(TimeProvider time) => new(time, isChat: true);

    public static OllamaClientDialect Generate(TimeProvider time) => new(time, isChat: false);

    public ClientCall ReadRequest(ReadOnlyMemory<byte> body, GatewayConfig config, string? agent = null)
    {
        using var document = JsonDocument.Parse(body, OpenAiJson.Reading);
        using var request = new ClientRequestReader(body.Length);
        var root = document.RootElement;
        var reader = new OllamaClientRequest(request, config);
        if (!reader.ReadIsLoad(root, _isChat, out var reason))
        {
            return reader.Read(root, _isChat);
        }

        return request.Error is { } error
            ? ClientCall.Refuse(error)
            : ClientCall.AnswerAtOnce(OllamaClientReply.WriteLoaded(root.FindText("model"u8)!, reason, _isChat, _time));
    }

    public byte[]? WriteReply(ReadOnlyMemory<byte> completion, GatewayRequest request) => OllamaClientReply.Write(completion, request, _isChat, _time);

    public ClientStreamWriter CreateStreamWriter(GatewayRequest request) => new OllamaClientStream(request, _isChat, _time);

    public byte[] WriteError(GatewayError error, string requestId) => OllamaClientReply.WriteError(error.Message);
}
