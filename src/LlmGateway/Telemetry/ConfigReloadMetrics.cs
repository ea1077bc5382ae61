using LlmGateway.Configuration;

namespace LlmGateway.Telemetry;

/// <summary>Counts judged configuration files in the metrics.</summary>
internal static class ConfigReloadMetrics
{
    public static void CountConfigReloads(this WebApplication app)
    {
        var metrics = app.Services.GetRequiredService<GatewayMetrics>();
        var host = app.Services.GetRequiredService<HostSettings>();
        foreach (var file in (ConfigFileLocation[])[host.AgentsFile, host.SettingsFile, host.KeysFile])
        {
            // As in GatewayMetrics: an alert waits for the first refusal.
            metrics.ConfigReload(file.Label, "accepted", 0);
            metrics.ConfigReload(file.Label, "rejected", 0);
        }

        app.Services.GetRequiredService<GatewayConfigSource>().FileJudged += reload => metrics.ConfigReload(reload.File, reload.Outcome);
    }
}
