using LlmGateway.Api;
using LlmGateway.Configuration;

namespace LlmGateway.Lifecycle;

/// <summary>Registers how much is taken in at once, and how the gateway stops.</summary>
internal static class LifecycleServices
{
    /// <summary>What the services need to write and close when all requests are over.</summary>
    private static readonly TimeSpan CleanUp = TimeSpan.FromSeconds(30);

    public static IServiceCollection AddLifecycle(this IServiceCollection services, HostSettings settings) => services
        .Configure<HostOptions>(options => options.ShutdownTimeout = settings.AnnounceTime + settings.DrainTime + CleanUp)
        .AddSingleton<GatewayLifecycle>()
        .AddSingleton(provider => new RequestGate(settings.MaxConcurrency, settings.Queue, provider.GetRequiredService<TimeProvider>()))
        .AddSingleton(provider => HeapGate.OfThisProcess(provider.GetRequiredService<TimeProvider>()))
        .AddSingleton<IReadinessCheck, DrainReadiness>()
        .AddSingleton<IHostLifetime, SignalLifetime>()
        .AddHostedService<DrainService>();
}
