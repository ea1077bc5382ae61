using LlmGateway.Access;
using LlmGateway.Admin;
using LlmGateway.Api;
using LlmGateway.Configuration;
using LlmGateway.Forwarding;
using LlmGateway.ModelTests;
using LlmGateway.Providers;
using LlmGateway.Redis;
using LlmGateway.Resilience;
using LlmGateway.Routing;
using LlmGateway.Surfaces;
using LlmGateway.Telemetry;
using LlmGateway.Usage;

namespace LlmGateway;

/// <summary>The table of contents: every stage of the gateway, in the order in which a request meets it.</summary>
internal static class Gateway
{
    /// <summary>Registers the stages, one line each.</summary>
    public static void AddLlmGateway(this IServiceCollection services, ConfigStart start, LoggingSettings logging)
    {
        // Client side (HttpContext)
        services.AddBrowserOrigins(start.Host.CorsOrigins);
        services.AddApi();
        services.AddSurfaces();

        // Hinge
        services.AddForwarding();

        // Provider side (HttpRequestMessage)
        services.AddUsage(start.Host.DatabaseUrl, start.Host.WorkingDirectory);
        services.AddRoutePlanning();
        services.AddResilience();
        services.AddProviders();

        // Shared
        services.AddRedis(start.Host.RedisUrl);
        services.AddGatewayConfiguration(start);
        services.AddTelemetry(logging);
        services.AddAdmin();
        services.AddModelTests();
    }

    /// <summary>The client side's order: ids and snapshot, endpoint, caller, then the endpoint itself.</summary>
    public static void UseLlmGateway(this WebApplication app)
    {
        app.UseRouting();
        app.UseMiddleware<RequestScopeMiddleware>();
        app.UseBrowserOrigins();
        app.UseMiddleware<AccessMiddleware>();
        app.MapApi();
        app.MapAdmin();
        app.MapHealth();
        app.MapPrometheus().WithAccess(EndpointAccess.Open);
        app.CountConfigReloads();
    }
}
