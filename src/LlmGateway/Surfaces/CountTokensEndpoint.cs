using System.Globalization;
using System.Text;
using LlmGateway.Api;
using LlmGateway.Configuration;
using LlmGateway.Model;
using LlmGateway.Profiles;
using LlmGateway.Resilience;
using LlmGateway.Routing;

namespace LlmGateway.Surfaces;

/// <summary>
/// <c>POST /v1/messages/count_tokens</c>: the tokens of the prompt, the profile's system prompt and the tools included. The provider that
/// would be asked first counts, where it has a call for that and answers it; else the number is the gateway's own estimate.
/// </summary>
internal sealed class CountTokensEndpoint(RoutePlanner planner, PromptCounter counter, HostSettings settings)
{
    public async Task HandleAsync(HttpContext context)
    {
        var (body, error) = await RequestBody.ReadJsonAsync(context.Request, settings.MaxBodyBytes, context.RequestAborted);
        var (request, refusal) = error is null ? Read(context, body) : (null, error);
        if (request is null)
        {
            await ErrorWriter.WriteAsync(context, refusal!);
            return;
        }

        var counted = planner.Plan(request).Targets is [var first, ..] ? await counter.CountAsync(request, first, context.RequestAborted) : null;
        await JsonAnswer.WriteAsync(context, Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{{\"input_tokens\":{counted ?? TokenEstimate.Of(request, 0).Input}}}")));
    }

    private static (GatewayRequest? Request, GatewayError? Error) Read(HttpContext context, ReadOnlyMemory<byte> body)
    {
        var scope = RequestScope.Of(context);
        var surface = SurfaceMetadata.Of(context)!;
        if (RequestScanner.CheckObject(body.Span) is { } broken)
        {
            return (null, broken);
        }

        var call = AnthropicClientDialect.ReadCountRequest(body);
        var (clientHeaders, headerError) = SurfaceRequest.ReadHeaders(surface, context.Request.Headers);
        if ((call.Error ?? headerError) is { } callError)
        {
            return (null, callError);
        }

        var (scan, error) = RequestScanner.ScanChat(call.Body.Span);
        if (scan is null)
        {
            return (null, error);
        }

        var route = ProfileResolver.Resolve(scope.Config, context.Request.Headers["X-Agent-Profile"], context.GetRouteValue("agent") as string, scan.Model);
        if ((route.Error ?? RoutePermission.Check(scope.Key!, route)) is { } refusal)
        {
            return (null, refusal);
        }

        return (new GatewayRequest
        {
            Operation = Operation.ChatCompletions,
            Body = call.Body,
            Scan = scan,
            Config = scope.Config,
            Profile = route.Profile!,
            ExplicitTarget = route.Target,
            ExplicitRole = route.Role,
            Key = scope.Key!,
            Strategy = RoutingStrategies.Single,
            TotalTimeout = scope.Config.TotalTimeout,
            Tally = scope.Tally,
            Surface = surface.Name,
            NativeForm = surface.NativeForm,
            ClientBody = body,
            ClientHeaders = clientHeaders,
            NeedsTranslation = call.NeedsTranslation,
            NativeOnly = call.NativeOnly,
            GatewayTools = [],
        }, null);
    }
}
