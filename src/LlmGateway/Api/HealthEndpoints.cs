using LlmGateway.Access;
using LlmGateway.Configuration;

namespace LlmGateway.Api;

/// <summary>Liveness and readiness. Degraded is still ready: requests are served, and the answer says what is not as it should be.</summary>
internal static class HealthEndpoints
{
    public static void MapHealth(this IEndpointRouteBuilder app)
    {
        app.MapGet("/health/live", static () => Results.Json(new HealthReport("live", []), HealthJson.Default.HealthReport)).WithAccess(EndpointAccess.Open);
        app.MapGet("/health/ready", static (GatewayConfigSource configuration) => Results.Json(Ready(configuration), HealthJson.Default.HealthReport)).WithAccess(EndpointAccess.Open);
    }

    private static HealthReport Ready(GatewayConfigSource configuration) =>
        configuration.LastProblem is { } problem ? new HealthReport("degraded", [problem]) : new HealthReport("ready", []);
}
