using LlmGateway.Database;

namespace LlmGateway.Sessions;

/// <summary>Registers the memory of conversations.</summary>
internal static class SessionServices
{
    /// <param name="services">Where to register.</param>
    /// <param name="retentionDays"><c>HISTORY_RETENTION_DAYS</c>.</param>
    public static IServiceCollection AddSessions(this IServiceCollection services, int retentionDays)
    {
        services.AddSingleton(static provider => new MemorySessions(provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton<RedisSessions>();
        services.AddSingleton<SessionStore>();
        services.AddSingleton<SessionOpener>();
        services.AddSingleton<SessionHandler>();
        services.AddSingleton<IDatabaseSchema, ChatHistorySchema>();
        services.AddSingleton(provider => new ChatHistory(
            provider.GetRequiredService<IDatabase>(), retentionDays, provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<ILogger<ChatHistory>>()));
        services.AddHostedService(static provider => provider.GetRequiredService<ChatHistory>());
        return services;
    }
}
