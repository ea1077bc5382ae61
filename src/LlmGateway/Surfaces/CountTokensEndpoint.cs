using System.Globalization;
using System.Text;
using LlmGateway.Api;
using LlmGateway.Configuration;
using LlmGateway.Model;
using LlmGateway.Profiles;

namespace LlmGateway.Surfaces;

/// <summary><c>POST /v1/messages/count_tokens</c>: the gateway's own estimate of the prompt, the profile's system prompt and the tools included. No provider is asked.</summary>
internal sealed class CountTokensEndpoint(HostSettings settings)
{
    public async Task HandleAsync(HttpContext context)
    {
        var (body, error) = await RequestBody.ReadJsonAsync(context.Request, settings.MaxBodyBytes, context.RequestAborted);
        if (error is not null)
        {
            await ErrorWriter.WriteAsync(context, error);
            return;
        }

        var (tokens, refusal) = Count(context, body);
        await (refusal is null
            ? JsonAnswer.WriteAsync(context, Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{{\"input_tokens\":{tokens}}}")))
            : ErrorWriter.WriteAsync(context, refusal));
    }

    private static (long Tokens, GatewayError? Error) Count(HttpContext context, ReadOnlyMemory<byte> body)
    {
        var scope = RequestScope.Of(context);
        if (RequestScanner.CheckObject(body.Span) is { } broken)
        {
            return (0, broken);
        }

        var call = AnthropicClientDialect.ReadCountRequest(body);
        if (call.Error is not null)
        {
            return (0, call.Error);
        }

        var (scan, error) = RequestScanner.ScanChat(call.Body.Span);
        if (scan is null)
        {
            return (0, error);
        }

        var route = ProfileResolver.Resolve(scope.Config, context.Request.Headers["X-Agent-Profile"], context.GetRouteValue("agent") as string, scan.Model);
        if ((route.Error ?? RoutePermission.Check(scope.Key!, route)) is { } refusal)
        {
            return (0, refusal);
        }

        var text = call.Body.Span;
        var promptBytes = Encoding.UTF8.GetByteCount(route.Profile!.SystemPrompt ?? "");

        // All of the body but its few switches is prompt: messages, and the tools that stand beside them.
        return (TokenEstimate.OfPrompt(scan.HasTools ? text : scan.MessagesValue.Of(text)) + TokenEstimate.OfText(promptBytes), null);
    }
}
