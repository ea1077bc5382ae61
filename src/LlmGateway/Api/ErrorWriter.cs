using System.Globalization;
using LlmGateway.Model;
using LlmGateway.Surfaces;

namespace LlmGateway.Api;

/// <summary>Answers with an error in the form that the endpoint's clients speak, if the answer has not begun.</summary>
internal static class ErrorWriter
{
    /// <param name="context">The call.</param>
    /// <param name="error">What is told.</param>
    /// <param name="form">The client's form, where not the endpoint says it but the client; null: the endpoint's.</param>
    public static async Task WriteAsync(HttpContext context, GatewayError error, IClientDialect? form = null)
    {
        if (context.Response.HasStarted)
        {
            return;
        }

        var surface = form ?? SurfaceMetadata.Of(context);
        var body = surface?.WriteError(error, RequestScope.Of(context).Tally.RequestId) ?? ErrorJson.Write(error);
        if (!context.Response.Headers.ContainsKey(RequestIds.Header) && context.Features.Get<RequestScope>() is { } scope)
        {
            // The forwarder clears the headers of an answer that failed before it had begun.
            OwnHeaders.Add(context, scope.Tally.RequestId);
        }

        context.Response.StatusCode = error.Status;
        AddHeaders(context.Response.Headers, error);
        await JsonAnswer.WriteAsync(context, body);
    }

    /// <summary>The headers that go with an error, wherever its body comes from.</summary>
    public static void AddHeaders(IHeaderDictionary headers, GatewayError error)
    {
        if (error.RetryAfter is { } wait)
        {
            headers.RetryAfter = Math.Max(1, (long)Math.Ceiling(wait.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
        }

        if (error.StopRetrying)
        {
            headers["x-should-retry"] = "false";
        }
    }
}
