using LlmGateway.Database;
using LlmGateway.Resilience;

namespace LlmGateway.Access;

/// <summary>Registers what is known of callers besides the configuration: the keys that were made at run time, and who tries wrong ones.</summary>
internal static class AccessServices
{
    public static IServiceCollection AddAccess(this IServiceCollection services) => services
        .AddSingleton<IDatabaseSchema, MintedKeySchema>()
        .AddSingleton<MintedKeyTable>()
        .AddSingleton<MintedKeys>()
        .AddHostedService(static provider => provider.GetRequiredService<MintedKeys>())
        .AddSingleton<KeyEnds>()
        .AddSingleton<IKeyEnds>(static provider => provider.GetRequiredService<KeyEnds>())
        .AddHostedService(static provider => provider.GetRequiredService<KeyEnds>())
        .AddSingleton<BadKeyGuard>();
}
