using LlmGateway.Model;
using Microsoft.AspNetCore.Http.Features;
using Yarp.ReverseProxy.Forwarder;

namespace LlmGateway.Forwarding;

/// <summary>Lets through the few headers, either way, that say something of the body; all others stay where they are.</summary>
internal sealed class PassthroughTransformer : HttpTransformer
{
    private static readonly string[] RequestHeaders = ["Accept", "Range", "OpenAI-Beta", "Idempotency-Key"];

    private static readonly string[] ResponseHeaders =
    [
        "Content-Type", "Content-Disposition", "Content-Length", "Content-Range", "Accept-Ranges", "ETag", "Last-Modified", "Retry-After",
    ];

    public static PassthroughTransformer Instance { get; } = new();

    public override ValueTask TransformRequestAsync(HttpContext httpContext, HttpRequestMessage proxyRequest, string destinationPrefix, CancellationToken cancellationToken)
    {
        var call = httpContext.Features.GetRequiredFeature<PassthroughCall>();
        var client = httpContext.Request;
        proxyRequest.RequestUri = call.Head.RequestUri;
        proxyRequest.Options.Set(PassthroughCall.OptionsKey, call);
        foreach (var name in RequestHeaders)
        {
            if (client.Headers.TryGetValue(name, out var values))
            {
                proxyRequest.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values);
            }
        }

        // The gateway's own come last: they take the place of a client's copy.
        foreach (var (name, values) in call.Head.Headers.NonValidated)
        {
            proxyRequest.Headers.Remove(name);
            proxyRequest.Headers.TryAddWithoutValidation(name, values);
        }

        if (proxyRequest.Content is { } content)
        {
            content.Headers.ContentLength = client.ContentLength;
            if (client.ContentType is { } type)
            {
                content.Headers.TryAddWithoutValidation("Content-Type", type);
            }
        }

        return ValueTask.CompletedTask;
    }

    public override ValueTask<bool> TransformResponseAsync(HttpContext httpContext, HttpResponseMessage? proxyResponse, CancellationToken cancellationToken)
    {
        if (proxyResponse is null)
        {
            return new(false);
        }

        var call = httpContext.Features.GetRequiredFeature<PassthroughCall>();
        var response = httpContext.Response;
        httpContext.Features.GetRequiredFeature<IHttpResponseFeature>().ReasonPhrase = null;
        GatewayHeaders.AddPassedOn(response.Headers, call);
        call.Refusal ??= Refuse(call);
        if (call.Refusal is not null)
        {
            return new(false);
        }

        foreach (var name in ResponseHeaders)
        {
            if (proxyResponse.Content.Headers.NonValidated.TryGetValues(name, out var values) || proxyResponse.Headers.NonValidated.TryGetValues(name, out values))
            {
                PassOn(response.Headers, name, values.ToString());
            }
        }

        foreach (var (name, values) in proxyResponse.Headers.NonValidated)
        {
            // Where the caller's own key has limits, these are told, not those of the key that all share.
            if (!call.Request.Key.HasLimits && name.StartsWith("x-ratelimit-", StringComparison.OrdinalIgnoreCase))
            {
                PassOn(response.Headers, name, values.ToString());
            }
        }

        if (proxyResponse.Content.Headers.ContentType?.MediaType == "text/event-stream")
        {
            response.Headers["X-Accel-Buffering"] = "no";
        }

        return new(true);
    }

    public override ValueTask TransformResponseTrailersAsync(HttpContext httpContext, HttpResponseMessage proxyResponse, CancellationToken cancellationToken) =>
        ValueTask.CompletedTask;

    /// <summary>The name of a header that is passed on and that no provider could be sent as it is; null where there is none.</summary>
    public static string? FindUnprintable(IHeaderDictionary headers) =>
        Array.Find(RequestHeaders, name => headers.TryGetValue(name, out var values) && !values.All(IsPrintable))
        ?? (IsPrintable(headers.ContentType.ToString()) ? null : "Content-Type");

    private static bool IsPrintable(string? value) => !value.AsSpan().ContainsAnyExceptInRange(' ', '~');

    /// <summary>The server fails at a value with other characters, such as a file's name in UTF-8, and the whole answer with it.</summary>
    private static void PassOn(IHeaderDictionary headers, string name, string value)
    {
        if (IsPrintable(value))
        {
            headers[name] = value;
        }
    }

    /// <summary>
    /// A refused key is the gateway's own, no matter of the client's; a redirect is not followed, and would lead the client past the gateway;
    /// a status beyond HTTP's own would be no line that a client can read.
    /// </summary>
    private static GatewayError? Refuse(PassthroughCall call)
    {
        var provider = call.Target.Provider.Name;
        return call.Status switch
        {
            401 or 403 => new GatewayError(
                502, ErrorTypes.Api, ErrorCodes.UpstreamAuthError, $"Provider '{provider}' refused the gateway's own key (status {call.Status}). Tell the gateway's operator.", StopRetrying: true),
            >= 300 and < 400 and not 304 => new GatewayError(
                502, ErrorTypes.Api, ErrorCodes.AllProvidersFailed, $"Provider '{provider}' answered with a redirect (status {call.Status}), which the gateway does not follow.", StopRetrying: true),
            < 200 or > 599 => new GatewayError(
                502, ErrorTypes.Api, ErrorCodes.AllProvidersFailed, $"Provider '{provider}' answered with a status that HTTP does not know ({call.Status}).", StopRetrying: true),
            _ => null,
        };
    }
}
