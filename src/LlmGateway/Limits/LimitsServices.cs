using LlmGateway.Database;
using LlmGateway.Resilience;

namespace LlmGateway.Limits;

/// <summary>Registers rates, concurrency and budgets of client keys. Wants Redis (configured or not) and telemetry to be registered.</summary>
internal static class LimitsServices
{
    public static IServiceCollection AddLimits(this IServiceCollection services) => services
        .AddHosted<SharedLeases>()
        .AddHosted<SharedSettlements>()
        .AddHosted<StoredBudgets>()
        .AddSingleton<SharedLimits>()
        .AddSingleton<RateLimiter>()
        .AddSingleton<TokenLimit>()
        .AddSingleton<SpendHistory>()
        .AddSingleton<BudgetPlaces>()
        .AddSingleton<LocalBudgets>()
        .AddSingleton<SharedBudgets>()
        .AddSingleton<Budgets>()
        .AddSingleton<ICallBudget, CallBudget>()
        .AddSingleton<IDatabaseSchema, BudgetSchema>();

    private static IServiceCollection AddHosted<T>(this IServiceCollection services)
        where T : class, IHostedService => services.AddSingleton<T>().AddHostedService(static provider => provider.GetRequiredService<T>());
}
