using LlmGateway.Model;

namespace LlmGateway.Forwarding;

/// <summary>
/// Sends a request through the whole provider side without a client's connection behind it: for the gateway's own callers (the session API,
/// agents, model tests).
/// </summary>
internal sealed class GatewayClient(EgressPipeline egress)
{
    private static readonly Uri Destination = new("http://provider.invalid/");

    /// <summary>Answers in OpenAI's form, errors too; the caller disposes it. Throws only when it was cancelled.</summary>
    public async Task<HttpResponseMessage> SendAsync(GatewayRequest request, CancellationToken cancellationToken)
    {
        using var message = new HttpRequestMessage(HttpMethod.Post, Destination);
        message.Options.Set(GatewayRequest.OptionsKey, request);
        return await egress.Invoker.SendAsync(message, cancellationToken);
    }
}
