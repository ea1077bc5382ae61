using LlmGateway.Access;

namespace LlmGateway.Admin;

/// <summary>Administration: for the holder of the admin key.</summary>
internal static class AdminServices
{
    public static IServiceCollection AddAdmin(this IServiceCollection services) => services
        .AddSingleton<ExplainEndpoint>()
        .AddSingleton<ModelStatusEndpoint>()
        .AddSingleton<ProviderStatusEndpoint>()
        .AddSingleton<ModelTestsEndpoint>();

    public static void MapAdmin(this IEndpointRouteBuilder app)
    {
        var explain = app.ServiceProvider.GetRequiredService<ExplainEndpoint>();
        app.MapMethods("/admin/explain", [HttpMethods.Post], (RequestDelegate)explain.HandleAsync).WithAccess(EndpointAccess.Admin);
        var models = app.ServiceProvider.GetRequiredService<ModelStatusEndpoint>();
        app.MapMethods("/admin/models", [HttpMethods.Get], (RequestDelegate)models.HandleAsync).WithAccess(EndpointAccess.Admin);
        var providers = app.ServiceProvider.GetRequiredService<ProviderStatusEndpoint>();
        app.MapMethods("/admin/providers", [HttpMethods.Get], (RequestDelegate)providers.HandleAsync).WithAccess(EndpointAccess.Admin);
        var modelTests = app.ServiceProvider.GetRequiredService<ModelTestsEndpoint>();
        app.MapMethods("/admin/model-tests", [HttpMethods.Post], (RequestDelegate)modelTests.HandleAsync).WithAccess(EndpointAccess.Admin);
    }
}
