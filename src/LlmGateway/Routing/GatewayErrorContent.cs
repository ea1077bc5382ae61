using System.Net;
using System.Net.Http.Headers;
using LlmGateway.Model;

namespace LlmGateway.Routing;

/// <summary>An error answer of the chain: OpenAI's form as bytes, and the error itself for the client side, which sets the headers.</summary>
public sealed class GatewayErrorContent : ByteArrayContent
{
    private GatewayErrorContent(GatewayError error, byte[] body)
        : base(body)
    {
        Error = error;
        Headers.ContentType = new MediaTypeHeaderValue("application/json");
    }

    public GatewayError Error { get; }

    public static HttpResponseMessage Respond(GatewayError error) => Respond(error, ErrorJson.Write(error));

    /// <summary>The error in another form than OpenAI's.</summary>
    public static HttpResponseMessage Respond(GatewayError error, byte[] body) => new((HttpStatusCode)error.Status) { Content = new GatewayErrorContent(error, body) };
}
