using System.Collections.Frozen;
using LlmGateway.Access;
using LlmGateway.Api;
using LlmGateway.Configuration;
using LlmGateway.Limits;
using LlmGateway.Model;
using LlmGateway.Ownership;
using LlmGateway.Profiles;
using LlmGateway.Providers;
using LlmGateway.Routing;
using Microsoft.AspNetCore.Http.Features;

namespace LlmGateway.Forwarding;

/// <summary>
/// Every path below <c>/v1</c> that the gateway does not serve itself: settles caller, provider and path, and passes the call on unread. Below
/// an agent's path it goes to the same provider, under the agent's name and with its key and ticket where it uses that provider.
/// </summary>
internal sealed class PassthroughEndpoint(PassthroughForwarder forwarder, PassthroughOwners owners, TokenLimit tokens, DialectSet dialects, HostSettings settings, EndpointDataSource endpoints)
{
    /// <summary>What the ledger calls the model of a call whose answer told none.</summary>
    private const string UnknownModel = "unknown";

    private static readonly ScannedRequest Unread = new() { MembersStart = 0 };

    // Asked for at the first call: the endpoints are mapped by then.
    private readonly Lazy<FrozenDictionary<string, string>> _own = new(() => OwnPaths(endpoints));

    public async Task HandleAsync(HttpContext context)
    {
        if (context.GetRouteValue("path") is not string { Length: > 0 })
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            return;
        }

        if (_own.Value.TryGetValue("/v1/" + context.GetRouteValue("path"), out var methods))
        {
            context.Response.Headers.Allow = methods;
            context.Response.StatusCode = StatusCodes.Status405MethodNotAllowed;
            return;
        }

        var (call, error) = await PrepareAsync(context, RequestScope.Of(context));
        if (call is null)
        {
            await ErrorWriter.WriteAsync(context, error!);
            return;
        }

        await forwarder.ForwardAsync(context, call);
    }

    private async ValueTask<(PassthroughCall? Call, GatewayError? Error)> PrepareAsync(HttpContext context, RequestScope scope)
    {
        var (config, key) = (scope.Config, scope.Key!);
        var (identity, error) = CallerIdentity.Read(context.Request.Headers, key, config);
        scope.UserId = identity.UserId;
        var route = ProfileResolver.Resolve(config, header: null, context.GetRouteValue("agent") as string, model: null);
        if ((error ?? route.Error ?? CheckAgent(key, route.Profile!) ?? CheckRequest(context)) is { } refusal)
        {
            return (null, refusal);
        }

        var asked = context.GetRouteValue("path") as string ?? "";
        if (!PassthroughPath.TryRead(asked, context.Request.QueryString, out var path))
        {
            return (null, GatewayError.Invalid(ErrorCodes.InvalidRequest, "The path is not passed on: it holds dot segments, empty segments, backslashes or encoded slashes."));
        }

        if (FindProvider(config, route.Profile!) is not { } target)
        {
            return (null, new GatewayError(
                404,
                ErrorTypes.InvalidRequest,
                ErrorCodes.NotFound,
                "The gateway does not serve this path itself, and no OpenAI-compatible provider with a key is configured to pass it on to."));
        }

        if (await owners.RefuseAsync(key, config, [.. ObjectId.InPath(asked), .. NamedInPairs.InQuery(context.Request.QueryString.Value)], context.RequestAborted) is { } foreign)
        {
            return (null, foreign);
        }

        var request = new GatewayRequest
        {
            Operation = Operation.Passthrough,
            Body = default,
            Scan = Unread,
            PassthroughPath = path,
            Config = config,
            Profile = route.Profile!,
            Key = key,
            Identity = identity,
            Strategy = RoutingStrategies.Single,
            TotalTimeout = OperationEndpoint.TotalTimeout(context.Request.Headers["X-Stainless-Timeout"], config.TotalTimeout),
            TraceParent = TraceParent.Read(context.Request.Headers.TraceParent),
            Tally = scope.Tally,
        };
        var made = dialects[target.Provider.Type].CreateCall(request, target, TargetHabits.None);
        if (made.Message is null)
        {
            return (null, GatewayError.Invalid(ErrorCodes.InvalidRequest, $"The path is not passed on: {made.Unsupported ?? made.Error?.Message}."));
        }

        var span = scope.Tally.StartSpan();
        if (target.Provider.PassesTrace && (span?.Id ?? request.TraceParent) is { } trace)
        {
            made.Message.Headers.TryAddWithoutValidation("traceparent", trace);
        }

        context.Request.Body = new ClientBodyStream(context.Request.BodyReader);
        var begun = IsMetered(key, context.Request) || IsModelBound(key, context.Request) ? await BegunBody.ReadAsync(context.Request, context.RequestAborted) : null;
        if (IsModelBound(key, context.Request) && CheckModel(key.Models!, target, begun!) is { } forbidden)
        {
            return (null, forbidden);
        }

        request = request with { PassthroughEstimate = begun?.Estimate(context.Request.ContentLength) ?? default };
        scope.Request = request;
        if (request.PassthroughEstimate.Total > 0 && await tokens.CountAsync(context, request) is { } exceeded)
        {
            return (null, exceeded);
        }

        var isTold = PassthroughOwners.Concerns(key);
        var objects = isTold ? AnsweredObjects.Of(context.Request.Method, asked) : null;
        var call = new PassthroughCall(request, target, made.Message)
        {
            Span = span,
            Priced = PricedTarget(request, target, begun),
            AskedModel = begun?.Model,
            Objects = objects,
            IsList = isTold && ListedObjects.Concerns(context.Request.Method, asked),
        };
        return (call, null);
    }

    /// <summary>Whether it matters what the call will use. Forms are files with words around them: what they cost is known when they are answered.</summary>
    private static bool IsMetered(ClientKey key, HttpRequest request) =>
        (key.TokensPerMinute ?? (object?)key.BudgetUsd) is not null && HttpMethods.IsPost(request.Method)
        && request.ContentType?.StartsWith("multipart/", StringComparison.OrdinalIgnoreCase) is not true;

    /// <summary>The model that the body names. One that may stand further behind is taken for the dearest: a budget is hard.</summary>
    private static ProviderTarget PricedTarget(GatewayRequest request, ProviderTarget target, BegunBody? begun)
    {
        if (begun is null or { Model: null, IsOpen: false })
        {
            return target;
        }

        var estimate = request.PassthroughEstimate;
        var model = begun.Model ?? target.Provider.Models.MaxBy(model => model.Value.Price?.CostOf(estimate) ?? 0).Key;
        return model is null ? target : request.Config.MakeTarget(target.Provider, model);
    }

    /// <summary>Whether the key is limited to some models, and the call may ask one: what is only read or deleted asks none.</summary>
    private static bool IsModelBound(ClientKey key, HttpRequest request) =>
        key.Models is not null && !HttpMethods.IsGet(request.Method) && !HttpMethods.IsHead(request.Method) && !HttpMethods.IsDelete(request.Method);

    /// <summary>A body that leaves open which model it asks cannot be held against a list of them; one without a word asks none.</summary>
    private static GatewayError? CheckModel(AllowedNames models, ProviderTarget target, BegunBody begun) =>
        begun.IsEmpty || (begun.SoleModel is { } model && (models.Contains(model) || models.Contains($"{target.Provider.Name}/{model}")))
            ? null
            : new GatewayError(
                403,
                ErrorTypes.Permission,
                ErrorCodes.ModelNotAllowed,
                "This key is limited to some models: what is passed on must be a JSON object of at most 64 KiB whose 'model' is one of them.",
                "model");

    private static GatewayError? CheckAgent(ClientKey key, AgentProfile profile) => key.Agents is { } agents && !agents.Contains(profile.Name)
        ? new GatewayError(403, ErrorTypes.Permission, ErrorCodes.AgentNotAllowed, $"This key may not use the agent '{profile.Name}', under which this path is passed on.")
        : null;

    private GatewayError? CheckRequest(HttpContext context)
    {
        var request = context.Request;
        if (request.Headers.Upgrade.Count > 0 || context.WebSockets.IsWebSocketRequest)
        {
            return GatewayError.Invalid(ErrorCodes.InvalidRequest, "WebSockets and other upgrades are not passed on.", "Upgrade");
        }

        if (PassthroughTransformer.FindUnprintable(request.Headers) is { } unprintable)
        {
            return GatewayError.Invalid(ErrorCodes.InvalidHeader, $"{unprintable} must be printable ASCII.", unprintable);
        }

        if (request.Headers.ContentEncoding.Count > 0 && request.Headers.ContentEncoding != "identity")
        {
            return new GatewayError(415, ErrorTypes.InvalidRequest, ErrorCodes.UnsupportedMediaType, "Compressed request bodies are not passed on. Send the body as it is.", "Content-Encoding");
        }

        if (request.ContentLength > settings.MaxUploadBytes)
        {
            return new GatewayError(413, ErrorTypes.InvalidRequest, ErrorCodes.RequestTooLarge, $"The request body is larger than {settings.MaxUploadBytes} bytes (GATEWAY_MAX_UPLOAD).");
        }

        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
        {
            limit.MaxRequestBodySize = settings.MaxUploadBytes;
        }

        return null;
    }

    /// <summary>The default profile's provider if calls can be passed on to it, else the first one by name that has what it needs.</summary>
    private ProviderTarget? FindProvider(GatewayConfig config, AgentProfile profile)
    {
        var target = CanTake(config.Default.Target) ? config.Default.Target : config.Providers.Values
            .Distinct()
            .OrderBy(provider => provider.Name, StringComparer.Ordinal)
            .Select(provider => config.MakeTarget(provider, UnknownModel))
            .FirstOrDefault(target => target.ApiKey is not null && CanTake(target));
        if (ReferenceEquals(target?.Provider, profile.Target.Provider) && CanTake(profile.Target))
        {
            target = profile.Target;
        }

        return target is null ? null : target with { Model = UnknownModel, ModelConfig = null, IsConfigured = false };
    }

    private bool CanTake(ProviderTarget target) =>
        !target.LacksApiKey && target.Provider.BaseUrl is not null
        && dialects.TryGet(target.Provider.Type, out var dialect) && dialect!.Supports(Operation.Passthrough);

    /// <summary>Paths of the gateway's own, with the methods that they take: another method there is a mistake, not a call to pass on.</summary>
    private static FrozenDictionary<string, string> OwnPaths(EndpointDataSource endpoints) => endpoints.Endpoints
        .OfType<RouteEndpoint>()
        .Where(endpoint => endpoint.RoutePattern is { Parameters.Count: 0, RawText: { } text } && text.StartsWith("/v1/", StringComparison.Ordinal))
        .GroupBy(endpoint => endpoint.RoutePattern.RawText!, StringComparer.OrdinalIgnoreCase)
        .ToFrozenDictionary(
            group => group.Key,
            group => string.Join(", ", group.SelectMany(endpoint => endpoint.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods ?? []).Distinct()),
            StringComparer.OrdinalIgnoreCase);
}
