using System.Net.Http.Headers;
using LlmGateway.Model;
using LlmGateway.Resilience;
using LlmGateway.Routing;

namespace LlmGateway.Sessions;

/// <summary>
/// Keeps what comes of a request that belongs to a session. An exchange is kept before the client sees the answer's end, so that the next
/// request, on whichever instance, knows it; an answer that broke off is not kept.
/// </summary>
internal sealed class SessionHandler : DelegatingHandler
{
    protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage message, CancellationToken cancellationToken) =>
        message.Options.TryGetValue(GatewayRequest.OptionsKey, out var request) && request.SessionKeeper is { } keeper
            ? RunAsync(message, keeper, cancellationToken)
            : base.SendAsync(message, cancellationToken);

    private async Task<HttpResponseMessage> RunAsync(HttpRequestMessage message, ISessionKeeper keeper, CancellationToken cancellationToken)
    {
        var response = await base.SendAsync(message, cancellationToken);
        if (response.Content is GatewayErrorContent)
        {
            return response;
        }

        if (response.Content.Headers.ContentType?.MediaType == "text/event-stream")
        {
            var source = await response.Content.ReadAsStreamAsync(cancellationToken);
            var watched = new HttpResponseMessage(response.StatusCode) { Content = new StreamedReply(new SessionStream(response, source, keeper)) };
            watched.Content.Headers.ContentType = response.Content.Headers.ContentType;
            return watched;
        }

        using (response)
        {
            var completion = await ReplyReader.ReadAllAsync(response.Content, cancellationToken) ?? default;
            if (AnswerMessage.Of(completion) is { } answer)
            {
                await keeper.KeepAsync(answer);
            }

            var whole = new ReadOnlyMemoryContent(completion);
            whole.Headers.ContentType = new MediaTypeHeaderValue("application/json");
            return new HttpResponseMessage(response.StatusCode) { Content = whole };
        }
    }
}
