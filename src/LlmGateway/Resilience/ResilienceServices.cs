namespace LlmGateway.Resilience;

/// <summary>One target: attempts, time-outs, what has been learnt of it.</summary>
internal static class ResilienceServices
{
    public static IServiceCollection AddResilience(this IServiceCollection services) => services
        .AddSingleton<ProviderConnections>()
        .AddSingleton<TargetStates>()
        .AddSingleton<ProviderProbe>()
        .AddSingleton<PromptCounter>()
        .AddSingleton<ProcessPulse>()
        .AddSingleton<ProviderAttempt>()
        .AddSingleton<TargetCaller>();
}
