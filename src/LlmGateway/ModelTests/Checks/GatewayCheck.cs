using LlmGateway.Configuration;
using LlmGateway.Providers;
using LlmGateway.Resilience;

namespace LlmGateway.ModelTests.Checks;

/// <summary>The verb <c>check</c>: looks at everything that the gateway needs, changes nothing, and says what to do about each failure.</summary>
internal static class GatewayCheck
{
    public static async Task<int> RunAsync(HostInputs inputs, TextWriter output, CancellationToken cancellationToken)
    {
        var time = TimeProvider.System;
        var report = new CheckReport(output);
        var urls = GatewayHost.ListenUrls(inputs);
        var (host, settings, problems) = ConfigStart.ReadSettings(inputs.Variables, inputs.WorkingDirectory, AppContext.BaseDirectory);
        var files = ConfigFileSet.Read(host);
        var loaded = new ConfigLoader(host, settings).Load(files, 0);
        var config = loaded.Candidate;
        var findings = new StartRules(host, urls).Check(config);

        await report.WriteAsync("environment", SettingsCheck.Environment(host, urls, config, [.. problems, .. loaded.Problems, .. findings.Problems], findings.Warnings));
        await report.WriteAsync("files", SettingsCheck.Files(files, loaded.Problems));

        var models = ConfiguredModel.AllOf(config);
        await report.WriteAsync("keys", KeyCheck.Run(host, config, models));

        using var connections = new ProviderConnections(time);
        await using var services = new ServiceCollection().AddSingleton(time).AddProviders().BuildServiceProvider();
        var providers = new ProviderCheck(services.GetRequiredService<DialectSet>(), connections, time);
        var mcp = new McpCheck(inputs.Variables, inputs.WorkingDirectory, time);

        // All at once: what is away costs its time-out, and only once.
        var reached = providers.RunAsync(config, models, cancellationToken);
        var redis = RedisCheck.RunAsync(host.RedisUrl, time, cancellationToken);
        var database = DatabaseCheck.RunAsync(host, cancellationToken);
        var servers = mcp.RunAsync(config.McpServers.Values, cancellationToken);
        await report.WriteAsync("providers", await reached);
        await report.WriteAsync("redis", [await redis]);
        await report.WriteAsync("database", [await database]);
        if (config.McpServers.Count > 0)
        {
            await report.WriteAsync("mcp servers", await servers);
        }

        return await report.CloseAsync();
    }
}
