using LlmGateway.Api;
using LlmGateway.Model;
using LlmGateway.Routing;
using Yarp.ReverseProxy.Forwarder;

namespace LlmGateway.Forwarding;

/// <summary>Gives the request to the chain (nothing of the client's headers with it) and sets the headers of the answer (nothing of the provider's).</summary>
internal sealed class GatewayTransformer : HttpTransformer
{
    private static readonly Uri Chain = new("http://provider.invalid/");

    public static GatewayTransformer Instance { get; } = new();

    public override ValueTask TransformRequestAsync(HttpContext httpContext, HttpRequestMessage proxyRequest, string destinationPrefix, CancellationToken cancellationToken)
    {
        proxyRequest.RequestUri = Chain;
        proxyRequest.Options.Set(GatewayRequest.OptionsKey, RequestScope.Of(httpContext).Request!);
        return ValueTask.CompletedTask;
    }

    public override ValueTask<bool> TransformResponseAsync(HttpContext httpContext, HttpResponseMessage? proxyResponse, CancellationToken cancellationToken)
    {
        if (proxyResponse is null)
        {
            return new(false);
        }

        var request = RequestScope.Of(httpContext).Request!;
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

        return new(true);
    }

    public override ValueTask TransformResponseTrailersAsync(HttpContext httpContext, HttpResponseMessage proxyResponse, CancellationToken cancellationToken) =>
        ValueTask.CompletedTask;
}
