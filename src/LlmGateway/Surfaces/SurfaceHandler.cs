using System.Net;
using System.Net.Http.Headers;
using LlmGateway.Model;
using LlmGateway.Resilience;
using LlmGateway.Routing;

namespace LlmGateway.Surfaces;

/// <summary>
/// Outermost on the provider side: all behind it speaks OpenAI's form, and here the answer becomes what the client speaks, a stream event by
/// event as it comes. An answer that is in the client's form already goes through as it is.
/// </summary>
internal sealed class SurfaceHandler(ClientDialectSet dialects) : DelegatingHandler
{
    protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage message, CancellationToken cancellationToken) =>
        message.Options.TryGetValue(GatewayRequest.OptionsKey, out var request) && request.Surface is { } surface
            ? TranslateAsync(message, request, dialects[surface], cancellationToken)
            : base.SendAsync(message, cancellationToken);

    private async Task<HttpResponseMessage> TranslateAsync(HttpRequestMessage message, GatewayRequest request, IClientDialect dialect, CancellationToken cancellationToken)
    {
        var response = await base.SendAsync(message, cancellationToken);
        if (response.Content is GatewayErrorContent { Error: var error })
        {
            response.Dispose();
            return Refuse(error, request, dialect);
        }

        var isStream = response.Content.Headers.ContentType?.MediaType == "text/event-stream";
        if (NativeAnswer.Is(response))
        {
            if (isStream)
            {
                response.Content.Headers.ContentType = new MediaTypeHeaderValue(dialect.StreamType);
            }

            return response;
        }

        if (isStream)
        {
            var source = await response.Content.ReadAsStreamAsync(cancellationToken);
            return Answer(new StreamedReply(new SurfaceStream(response, source, dialect.CreateStreamWriter(request))), dialect.StreamType);
        }

        using (response)
        {
            var completion = await ReplyReader.ReadAllAsync(response.Content, cancellationToken);
            return completion is { } whole && dialect.WriteReply(whole, request) is { } reply
                ? Answer(new ByteArrayContent(reply), "application/json")
                : Refuse(new GatewayError(502, ErrorTypes.Api, ErrorCodes.AllProvidersFailed, "The provider's answer is no chat completion."), request, dialect);
        }
    }

    private static HttpResponseMessage Refuse(GatewayError error, GatewayRequest request, IClientDialect dialect) =>
        GatewayErrorContent.Respond(error, dialect.WriteError(error, request.Tally.RequestId));

    private static HttpResponseMessage Answer(HttpContent content, string type)
    {
        content.Headers.ContentType = new MediaTypeHeaderValue(type);
        return new HttpResponseMessage(HttpStatusCode.OK) { Content = content };
    }
}
