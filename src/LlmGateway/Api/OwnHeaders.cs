using LlmGateway.Surfaces;

namespace LlmGateway.Api;

/// <summary>The headers that every answer of the gateway has: its request's id and what browsers are told.</summary>
internal static class OwnHeaders
{
    public static void Add(HttpContext context, string requestId)
    {
        var headers = context.Response.Headers;
        headers[RequestIds.Header] = requestId;
        SecurityHeaders.Add(headers);
        if (SurfaceMetadata.Of(context)?.RequestIdHeader is { } header)
        {
            headers[header] = requestId;
        }
    }
}
