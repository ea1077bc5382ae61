using LlmGateway.Api;
using LlmGateway.Model;

namespace LlmGateway.Surfaces;

/// <summary>The way of a request from a client's form into OpenAI's, and of an answer that needs no model back.</summary>
internal static class SurfaceRequest
{
    public static ClientCall Read(IClientDialect dialect, ReadOnlyMemory<byte> body, GatewayConfig config) =>
        RequestScanner.CheckObject(body.Span) is { } error ? ClientCall.Refuse(error) : dialect.ReadRequest(body, config);

    public static async Task WriteAsync(HttpContext context, byte[] json)
    {
        context.Response.ContentType = "application/json";
        context.Response.ContentLength = json.Length;
        await context.Response.Body.WriteAsync(json, context.RequestAborted);
    }
}
