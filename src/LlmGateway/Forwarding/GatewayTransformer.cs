using LlmGateway.Api;
using LlmGateway.Model;
using LlmGateway.Resilience;
using LlmGateway.Routing;
using Yarp.ReverseProxy.Forwarder;

namespace LlmGateway.Forwarding;

/// <summary>
/// Gives one request to the chain (nothing of the client's headers with it) and sets the headers of its answer (nothing of the provider's).
/// A stream of events gets its heartbeat here, in whatever form the chain has brought it.
/// </summary>
internal sealed class GatewayTransformer(GatewayRequest request, TimeProvider time) : HttpTransformer
{
    private static readonly Uri Chain = new("http://provider.invalid/");

    /// <summary>The answer's body, if it is a stream of events.</summary>
    public HeartbeatStream? Heartbeat { get; private set; }

    public override ValueTask TransformRequestAsync(HttpContext httpContext, HttpRequestMessage proxyRequest, string destinationPrefix, CancellationToken cancellationToken)
    {
        proxyRequest.RequestUri = Chain;
        proxyRequest.Options.Set(GatewayRequest.OptionsKey, request);
        return ValueTask.CompletedTask;
    }

    public override ValueTask<bool> TransformResponseAsync(HttpContext httpContext, HttpResponseMessage? proxyResponse, CancellationToken cancellationToken)
    {
        if (proxyResponse is null)
        {
            return new(false);
        }

        var response = httpContext.Response;
        response.ContentType = proxyResponse.Content.Headers.ContentType?.MediaType;
        response.ContentLength = proxyResponse.Content.Headers.ContentLength;
        GatewayHeaders.Add(response.Headers, request);
        if (proxyResponse.Content is GatewayErrorContent { Error: var error })
        {
            ErrorWriter.AddHeaders(response.Headers, error);
        }
        else if (request.Scan.IsStreaming)
        {
            response.Headers["X-Accel-Buffering"] = "no";
        }

        if (proxyResponse.Content is StreamedReply { Headers.ContentType.MediaType: "text/event-stream" } stream)
        {
            Heartbeat = new HeartbeatStream(stream.Stream, stream, time);
            proxyResponse.Content = new StreamedReply(Heartbeat);
        }

        return new(true);
    }

    public override ValueTask TransformResponseTrailersAsync(HttpContext httpContext, HttpResponseMessage proxyResponse, CancellationToken cancellationToken) =>
        ValueTask.CompletedTask;
}
