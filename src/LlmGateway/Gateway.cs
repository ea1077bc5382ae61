using LlmGateway.Access;
using LlmGateway.Admin;
using LlmGateway.Api;
using LlmGateway.Caching;
using LlmGateway.Configuration;
using LlmGateway.Database;
using LlmGateway.Forwarding;
using LlmGateway.Lifecycle;
using LlmGateway.Limits;
using LlmGateway.ModelTests;
using LlmGateway.Ownership;
using LlmGateway.Providers;
using LlmGateway.Redis;
using LlmGateway.Resilience;
using LlmGateway.Routing;
using LlmGateway.Sessions;
using LlmGateway.Surfaces;
using LlmGateway.Telemetry;
using LlmGateway.Tools;
using LlmGateway.Usage;

namespace LlmGateway;

/// <summary>The table of contents: every stage of the gateway, in the order in which a request meets it.</summary>
internal static class Gateway
{
    /// <summary>Registers the stages, one line each.</summary>
    public static void AddLlmGateway(this IServiceCollection services, ConfigStart start, LoggingSettings logging)
    {
        // Client side (HttpContext)
        services.AddLifecycle(start.Host);
        services.AddBrowserOrigins(start.Host.CorsOrigins);
        services.AddAccess();
        services.AddApi();
        services.AddSurfaces();
        services.AddLimits();

        // Hinge
        services.AddForwarding();

        // Provider side (HttpRequestMessage)
        services.AddUsage(start.Host.DatabaseUrl, start.Host.WorkingDirectory);
        services.AddSessions(start.Host.HistoryRetentionDays);
        services.AddCaching();
        services.AddTools();
        services.AddRoutePlanning();
        services.AddResilience();
        services.AddProviders();

        // Shared
        services.AddOwnership();
        services.AddRedis(start.Host.RedisUrl);
        services.AddDatabase(start.Host.DatabaseUrl, start.Host.WorkingDirectory);
        services.AddGatewayConfiguration(start);
        services.AddTelemetry(logging, start.Host.OpenTelemetry);
        services.AddAdmin();
        services.AddModelTests();
    }

    /// <summary>The client side's order: ids and snapshot, caller, room for it, the caller's limits, then the endpoint itself.</summary>
    public static void UseLlmGateway(this WebApplication app)
    {
        app.UseRouting();
        app.UseMiddleware<RequestScopeMiddleware>();
        app.UseBrowserOrigins();
        app.UseMiddleware<AccessMiddleware>();
        app.UseMiddleware<AdmissionMiddleware>();
        app.UseMiddleware<LimitsMiddleware>();
        app.MapApi();
        app.MapAdmin();
        app.MapHealth();
        app.MapOpenApi();
        app.MapPrometheus().WithAccess(EndpointAccess.Open);
        app.CountConfigReloads();
    }
}
