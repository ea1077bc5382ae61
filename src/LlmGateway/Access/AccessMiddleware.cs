using LlmGateway.Api;
using LlmGateway.Configuration;
using LlmGateway.Model;
using Microsoft.AspNetCore.Http.Features;

namespace LlmGateway.Access;

/// <summary>Settles who is calling before anything of the body is read. What an endpoint wants stands in its metadata; one that says nothing is refused.</summary>
internal sealed class AccessMiddleware(RequestDelegate next, HostSettings settings, MintedKeys minted, BadKeyGuard guard, TimeProvider time)
{
    /// <summary>Most bytes of a stranger's body that are let pass by, so that its client comes to read the refusal.</summary>
    private const long MostIgnored = 1 << 20;

    public Task InvokeAsync(HttpContext context)
    {
        // What is no route is routing's own refusal (a method that the path does not take): it serves nobody.
        if (context.GetEndpoint() is not RouteEndpoint endpoint)
        {
            return next(context);
        }

        switch (endpoint.Metadata.GetMetadata<EndpointAccessMetadata>()?.Access)
        {
            case EndpointAccess.Open:
                return next(context);
            case EndpointAccess.Client:
                var scope = RequestScope.Of(context);
                var (key, error) = Authenticate(context, scope.Config);
                scope.Key = key;
                return error is null ? next(context) : RefuseAsync(context, error);
            case EndpointAccess.Admin:
                return AdminAccess.Check(context, settings) is { } refusal ? RefuseAsync(context, Guarded(context, refusal)) : next(context);
            default:
                context.Response.StatusCode = StatusCodes.Status404NotFound;
                return Task.CompletedTask;
        }
    }

    /// <summary>Kestrel takes up to the largest body that anybody may send before it gives up the connection of a request that nobody read: for strangers that is too much.</summary>
    private static Task RefuseAsync(HttpContext context, GatewayError error)
    {
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
        {
            limit.MaxRequestBodySize = MostIgnored;
        }

        if (context.Request.ContentLength > MostIgnored && HttpProtocol.IsHttp11(context.Request.Protocol))
        {
            context.Response.Headers.Connection = "close";
        }

        return ErrorWriter.WriteAsync(context, error);
    }

    private (ClientKey? Key, GatewayError? Error) Authenticate(HttpContext context, GatewayConfig config)
    {
        var isOpen = settings.IsAuthOff || (config.IsDevelopment && config.ClientKeys.Count == 0);
        if (isOpen && !settings.IsAuthOff && LoopbackRule.Check(context, settings.CorsOrigins) is { } refusal)
        {
            return (null, refusal);
        }

        if (isOpen && config.ClientKeys.Count == 0 && minted.ByHash.Count == 0)
        {
            return (ClientKey.Anonymous, null);
        }

        var (presented, error) = ClientCredentials.Read(context.Request.Headers);
        var key = presented is null ? null : ClientKeyCheck.Find(config.ClientKeys, minted.ByHash, presented, time.GetUtcNow());
        if (key is not null)
        {
            return (key, null);
        }

        if (isOpen)
        {
            return (ClientKey.Anonymous, null);
        }

        // A key of the gateway's own making that is not known here may be new, if nobody can be asked.
        return (null, error ?? (presented is not null && minted.IsUnsure && MintedKeyText.IsWellFormed(presented) ? CannotTell
            : presented is null ? Unknown(presented)
            : Guarded(context, Unknown(presented))));
    }

    private GatewayError Guarded(HttpContext context, GatewayError refusal) =>
        refusal.Status == 401 && context.Request.Headers.Authorization.Count + context.Request.Headers["x-api-key"].Count + context.Request.Headers["api-key"].Count > 0 && guard.Note(context.Connection.RemoteIpAddress) is { } tooMany ? tooMany : refusal;

    private static GatewayError CannotTell { get; } = new(
        503, ErrorTypes.Overloaded, ErrorCodes.StoreUnavailable, "Whether this key is valid cannot be told now: the database does not answer. Try again soon.", RetryAfter: TimeSpan.FromSeconds(2));

    private static GatewayError Unknown(string? presented) => new(
        401,
        ErrorTypes.InvalidRequest,
        ErrorCodes.InvalidApiKey,
        presented is null
            ? "No API key was given. Send the gateway's client key as 'Authorization: Bearer KEY'."
            : "The API key is not one of the gateway's, or is not valid now. Send the client key that the gateway's operator gave you, not a provider's key.");
}
