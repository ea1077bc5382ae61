using System.Globalization;
using LlmGateway.Access;
using LlmGateway.Configuration;
using LlmGateway.Forwarding;
using LlmGateway.Limits;
using LlmGateway.Model;
using LlmGateway.Profiles;
using LlmGateway.Routing;
using LlmGateway.Sessions;
using LlmGateway.Surfaces;

namespace LlmGateway.Api;

/// <summary>Chat, legacy completions and embeddings, in OpenAI's form or another that clients speak: settles what the request is, step by step from the cheapest check on, and hands it to the forwarder.</summary>
internal sealed class OperationEndpoint(GatewayForwarder forwarder, StrategySet strategies, SessionOpener sessions, TokenLimit tokens, ContentLog content, HostSettings settings)
{
    public async Task HandleAsync(HttpContext context, Operation operation)
    {
        var scope = RequestScope.Of(context);
        var (request, error) = await ReadAsync(context, scope, operation);
        if (error is not null)
        {
            await ErrorWriter.WriteAsync(context, error);
        }

        if (request is null)
        {
            return;
        }

        scope.Request = request;
        content.Write(request);
        using var answer = content.Copy(context.Response);
        try
        {
            (var remembering, error) = await sessions.OpenAsync(request);
            error ??= await tokens.CountAsync(context, remembering);
            if (error is not null)
            {
                await ErrorWriter.WriteAsync(context, error);
                return;
            }

            await forwarder.ForwardAsync(context, remembering);
        }
        finally
        {
            content.Write(request, answer);
        }
    }

    private async ValueTask<(GatewayRequest? Request, GatewayError? Error)> ReadAsync(HttpContext context, RequestScope scope, Operation operation)
    {
        var headers = context.Request.Headers;
        var config = scope.Config;
        var key = scope.Key!;
        var (identity, error) = CallerIdentity.Read(headers, key, config);
        scope.UserId = identity.UserId;
        error ??= CheckHeaders(headers);
        if (error is not null)
        {
            return (null, error);
        }

        var surface = SurfaceMetadata.Of(context);
        var (body, bodyError) = await RequestBody.ReadJsonAsync(context.Request, settings.MaxBodyBytes, context.RequestAborted, surface?.TakesAnyContentType ?? false);
        if (bodyError is not null)
        {
            return (null, bodyError);
        }

        var clientBody = body;
        var (header, path) = ((string?)headers["X-Agent-Profile"], context.GetRouteValue("agent") as string);
        var call = surface is null ? null : SurfaceRequest.Read(surface, body, config, string.IsNullOrEmpty(header) ? path : header);
        var (clientHeaders, headerError) = SurfaceRequest.ReadHeaders(surface, headers);
        if ((call?.Error ?? headerError) is { } callError)
        {
            return (null, callError);
        }

        if (call?.Answer is { } answer)
        {
            await JsonAnswer.WriteAsync(context, answer);
            return (null, null);
        }

        body = call?.Body ?? body;

        var (scan, scanError) = RequestScanner.Scan(operation, body.Span);
        if (scan is null)
        {
            return (null, scanError);
        }

        var route = ProfileResolver.Resolve(config, header, path, scan.Model, keepsModel: operation == Operation.Embeddings, body: call?.Agent);
        if ((route.Error ?? RoutePermission.Check(key, route)) is { } refusal)
        {
            return (null, refusal);
        }

        var profile = call?.Variables is { } variables ? PromptVariables.Fill(route.Profile!, variables) : route.Profile!;
        var (strategy, strategyError) = ChooseStrategy(headers["X-LLM-Strategy"], profile, config);
        if (strategyError is not null)
        {
            return (null, strategyError);
        }

        return (new GatewayRequest
        {
            Operation = operation,
            Body = body,
            Scan = scan,
            Config = config,
            Profile = profile,
            ExplicitTarget = route.Target,
            ExplicitRole = route.Role,
            Key = key,
            Identity = identity,
            TraceParent = TraceParent.Read(headers.TraceParent),
            Strategy = strategy!,
            TotalTimeout = TotalTimeout(headers["X-Stainless-Timeout"], config.TotalTimeout),
            Tally = scope.Tally,
            Surface = surface?.Name,
            NativeForm = surface?.NativeForm,
            ClientBody = surface is null ? default : clientBody,
            ShowsReasoning = call?.ShowsReasoning ?? true,
            NativeOnly = call?.NativeOnly,
            NeedsTranslation = call?.NeedsTranslation ?? false,
            ClientHeaders = clientHeaders,
            CachePolicy = CachePolicyOf(headers),
            Session = call?.Session ?? SessionOf(headers),
            GatewayTools = call?.Tools,
            ToolTrace = call?.ToolTrace,
        }, null);
    }

    private static GatewayError? CheckHeaders(IHeaderDictionary headers)
    {
        var session = headers["X-Session-Id"];
        return session.Count == 0 || (session.Count == 1 && RequestIds.IsWellFormed(session[0]))
            ? null
            : GatewayError.Invalid(ErrorCodes.InvalidHeader, "X-Session-Id must be 1 to 128 of A-Z, a-z, 0-9, '.', '_' and '-'.", "X-Session-Id");
    }

    private static CachePolicy CachePolicyOf(IHeaderDictionary headers)
    {
        var control = headers.CacheControl;
        return control.Count == 0 ? CachePolicy.Usual
            : control.ToString() is var text && text.Contains("no-store", StringComparison.OrdinalIgnoreCase) ? CachePolicy.NoStore
            : text.Contains("no-cache", StringComparison.OrdinalIgnoreCase) ? CachePolicy.NoCache
            : CachePolicy.Usual;
    }

    private static SessionRef? SessionOf(IHeaderDictionary headers) =>
        headers["X-Session-Id"] is { Count: 1 } id ? new SessionRef(id!, SessionKind.Any) : null;

    private (string? Strategy, GatewayError? Error) ChooseStrategy(string? header, AgentProfile profile, GatewayConfig config)
    {
        if (!string.IsNullOrEmpty(header) && !strategies.Contains(header))
        {
            return (null, GatewayError.Invalid(
                ErrorCodes.InvalidRequest, $"There is no such strategy; X-LLM-Strategy takes: {string.Join(", ", strategies.Names)}.", "X-LLM-Strategy"));
        }

        var strategy = string.IsNullOrEmpty(header) ? profile.Strategy ?? config.Strategy : header;
        return (strategies.Contains(strategy) ? strategy : RoutingStrategies.Single, null);
    }

    /// <summary>What SDKs say of their own time-out lowers the total: an answer after it would reach nobody.</summary>
    internal static TimeSpan TotalTimeout(string? header, TimeSpan configured)
    {
        var isSet = double.TryParse(header, NumberStyles.Float, CultureInfo.InvariantCulture, out var seconds) && seconds > 0 && seconds < configured.TotalSeconds;
        return isSet ? TimeSpan.FromSeconds(seconds) : configured;
    }
}
