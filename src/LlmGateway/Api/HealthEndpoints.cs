using LlmGateway.Access;

namespace LlmGateway.Api;

/// <summary>Liveness and readiness. Degraded is still ready: requests are served, and the answer says what is not as it should be.</summary>
internal static class HealthEndpoints
{
    public static void MapHealth(this IEndpointRouteBuilder app)
    {
        app.MapGet("/health/live", static () => Results.Json(new HealthReport("live", []), HealthJson.Default.HealthReport)).WithAccess(EndpointAccess.Open);
        app.MapGet("/health/ready", static (IEnumerable<IReadinessCheck> checks) => Ready([.. checks])).WithAccess(EndpointAccess.Open);
    }

    private static IResult Ready(IReadOnlyList<IReadinessCheck> checks)
    {
        var problems = checks.Select(check => check.Problem).OfType<string>().ToArray();
        return checks.All(check => check.IsReady)
            ? Results.Json(new HealthReport(problems.Length == 0 ? "ready" : "degraded", problems), HealthJson.Default.HealthReport)
            : Results.Json(new HealthReport("unavailable", problems), HealthJson.Default.HealthReport, statusCode: StatusCodes.Status503ServiceUnavailable);
    }
}
