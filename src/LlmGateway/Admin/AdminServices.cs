using LlmGateway.Access;

namespace LlmGateway.Admin;

/// <summary>Administration: for the holder of the admin key.</summary>
internal static class AdminServices
{
    public static IServiceCollection AddAdmin(this IServiceCollection services) => services
        .AddSingleton<ExplainEndpoint>()
        .AddSingleton<AgentsEndpoint>()
        .AddSingleton<CacheEndpoint>()
        .AddSingleton<KeysEndpoint>()
        .AddSingleton<ModelStatusEndpoint>()
        .AddSingleton<ProviderStatusEndpoint>()
        .AddSingleton<UsageEndpoint>()
        .AddSingleton<RequestsEndpoint>()
        .AddSingleton<ModelTestsEndpoint>();

    public static void MapAdmin(this IEndpointRouteBuilder app)
    {
        var explain = app.ServiceProvider.GetRequiredService<ExplainEndpoint>();
        app.MapMethods("/admin/explain", [HttpMethods.Post], (RequestDelegate)explain.HandleAsync).WithAccess(EndpointAccess.Admin);
        var models = app.ServiceProvider.GetRequiredService<ModelStatusEndpoint>();
        app.MapMethods("/admin/models", [HttpMethods.Get], (RequestDelegate)models.HandleAsync).WithAccess(EndpointAccess.Admin);
        var providers = app.ServiceProvider.GetRequiredService<ProviderStatusEndpoint>();
        app.MapMethods("/admin/providers", [HttpMethods.Get], (RequestDelegate)providers.HandleAsync).WithAccess(EndpointAccess.Admin);
        var agents = app.ServiceProvider.GetRequiredService<AgentsEndpoint>();
        app.MapMethods("/admin/agents", [HttpMethods.Get], (RequestDelegate)agents.ListAsync).WithAccess(EndpointAccess.Admin);
        app.MapMethods("/admin/agents/{name}", [HttpMethods.Get], (RequestDelegate)agents.GetAsync).WithAccess(EndpointAccess.Admin);
        app.MapMethods("/admin/agents/{name}", [HttpMethods.Put], (RequestDelegate)agents.PutAsync).WithAccess(EndpointAccess.Admin);
        app.MapMethods("/admin/agents/{name}", [HttpMethods.Delete], (RequestDelegate)agents.DeleteAsync).WithAccess(EndpointAccess.Admin);
        var cache = app.ServiceProvider.GetRequiredService<CacheEndpoint>();
        app.MapMethods("/admin/cache", [HttpMethods.Delete], (RequestDelegate)cache.ClearAsync).WithAccess(EndpointAccess.Admin);
        var usage = app.ServiceProvider.GetRequiredService<UsageEndpoint>();
        app.MapMethods("/admin/usage", [HttpMethods.Get], (RequestDelegate)usage.HandleAsync).WithAccess(EndpointAccess.Admin);
        var requests = app.ServiceProvider.GetRequiredService<RequestsEndpoint>();
        app.MapMethods("/admin/requests", [HttpMethods.Get], (RequestDelegate)requests.HandleAsync).WithAccess(EndpointAccess.Admin);

        var keys = app.ServiceProvider.GetRequiredService<KeysEndpoint>();
        app.MapMethods("/admin/keys", [HttpMethods.Get], (RequestDelegate)keys.ListAsync).WithAccess(EndpointAccess.Admin);
        app.MapMethods("/admin/keys", [HttpMethods.Post], (RequestDelegate)keys.MintAsync).WithAccess(EndpointAccess.Admin);
        app.MapMethods("/admin/keys/{name}", [HttpMethods.Delete], (RequestDelegate)keys.RevokeAsync).WithAccess(EndpointAccess.Admin);
        var modelTests = app.ServiceProvider.GetRequiredService<ModelTestsEndpoint>();
        app.MapMethods("/admin/model-tests", [HttpMethods.Post], (RequestDelegate)modelTests.HandleAsync).WithAccess(EndpointAccess.Admin);
    }
}
