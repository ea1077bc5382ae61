using LlmGateway.Model;

namespace LlmGateway.Surfaces;

/// <summary>Anthropic's Messages API, for clients that speak it: any provider can answer them.</summary>
/// <remarks>
/// What OpenAI's form has no place for is settled so. Left out, because the answer means the same without it: <c>cache_control</c>,
/// <c>citations</c>, <c>service_tier</c>, <c>context_management</c>, betas, signed and redacted thinking (it means nothing to another
/// vendor). Carried by a provider of type <c>anthropic</c> alone, so that a request finds another target or a clear 400: server tools and
/// their results, <c>container</c>, <c>mcp_servers</c>, uploaded files, documents by URL. Refused in the way that the SDKs go on after:
/// <c>thread</c>, a conversation that the server holds. A switched-off <c>thinking</c> is
/// <c>reasoning_effort</c> "none"; a budget is an effort by its size. At a provider of type <c>anthropic</c> none of this happens: body and
/// answer go through as they are, but for the model and what the profile adds; only a history with thinking that Anthropic never signed is
/// translated even there, because it would be refused.
/// </remarks>
public sealed class AnthropicClientDialect(Func<Guid>? newGuid = null) : IClientDialect
{
    public const string DialectName = "anthropic";

    private readonly Func<Guid> _newGuid = newGuid ?? Guid.NewGuid;

    public string Name => DialectName;

    public NativeForm NativeForm { get; } = new(DialectName, "/v1/messages");

    public string StreamType => "text/event-stream";

    public string RequestIdHeader => "request-id";

    public IReadOnlyList<string> NativeHeaders { get; } = ["anthropic-version", "anthropic-beta"];

    public ClientCall ReadRequest(ReadOnlyMemory<byte> body, GatewayConfig config, string? agent = null) => AnthropicClientRequest.Read(body, needsMaxTokens: true);

    /// <summary>A request whose tokens are only to be counted: it needs no limit.</summary>
    public static ClientCall ReadCountRequest(ReadOnlyMemory<byte> body) => AnthropicClientRequest.Read(body, needsMaxTokens: false);

    public byte[]? WriteReply(ReadOnlyMemory<byte> completion, GatewayRequest request) => AnthropicClientReply.Write(completion, request, NewId());

    public ClientStreamWriter CreateStreamWriter(GatewayRequest request) => new AnthropicClientStream(request, NewId());

    public byte[] WriteError(GatewayError error, string requestId) => AnthropicClientErrors.Write(
        AnthropicClientErrors.TypeOf(error.Status), error.Message, requestId, isThreadRefused: error.Code == ErrorCodes.ThreadUnsupported);

    private string NewId() => $"msg_{_newGuid():N}";
}
