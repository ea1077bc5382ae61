using Microsoft.Extensions.DependencyInjection.Extensions;

namespace LlmGateway.Configuration;

/// <summary>Registers the configuration: settings, the snapshot's holder, and the watcher that keeps it fresh.</summary>
public static class ConfigurationServices
{
    public static IServiceCollection AddGatewayConfiguration(this IServiceCollection services, ConfigStart start)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton(start);
        services.AddSingleton(start.Host);
        services.AddSingleton(start.Rules);
        services.AddSingleton(new GatewayConfigSource(start.Config));
        services.AddSingleton<ConfigWatcher>();
        services.AddSingleton<AgentsFile>();
        services.AddHostedService(provider => provider.GetRequiredService<ConfigWatcher>());
        return services;
    }
}
