using LlmGateway.Database;

namespace LlmGateway.Ownership;

/// <summary>Registers the memory of who made which object at a provider.</summary>
internal static class OwnershipServices
{
    public static IServiceCollection AddOwnership(this IServiceCollection services) => services
        .AddSingleton<IDatabaseSchema, ObjectOwnerSchema>()
        .AddSingleton<ObjectOwnerTable>()
        .AddSingleton<ObjectOwners>()
        .AddHostedService(static provider => provider.GetRequiredService<ObjectOwners>());
}
