using LlmGateway.Forwarding;
using LlmGateway.Usage;

namespace LlmGateway.ModelTests;

/// <summary>Registers the model tests, for the command line and for administration.</summary>
internal static class ModelTestsServices
{
    public static IServiceCollection AddModelTests(this IServiceCollection services) => services
        .AddSingleton(provider => new ProbeClient(
            provider.GetRequiredService<GatewayClient>().SendAsync, provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<UsageRecorder>()))
        .AddSingleton<ModelTestRunner>();
}
