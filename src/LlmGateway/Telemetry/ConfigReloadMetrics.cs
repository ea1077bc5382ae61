using LlmGateway.Configuration;

namespace LlmGateway.Telemetry;

/// <summary>Counts judged configuration files in the metrics.</summary>
internal static class ConfigReloadMetrics
{
    public static void CountConfigReloads(this WebApplication app)
    {
        var metrics = app.Services.GetRequiredService<GatewayMetrics>();
        app.Services.GetRequiredService<GatewayConfigSource>().FileJudged += reload => metrics.ConfigReload(reload.File, reload.Outcome);
    }
}
