using LlmGateway.Access;
using LlmGateway.Forwarding;
using LlmGateway.Model;
using LlmGateway.Surfaces;

namespace LlmGateway.Api;

/// <summary>The gateway's endpoints and who may call them.</summary>
internal static class ApiEndpoints
{
    private static readonly (string Path, Operation Operation)[] Operations =
    [
        ("/v1/chat/completions", Operation.ChatCompletions),
        ("/v1/completions", Operation.Completions),
        ("/v1/embeddings", Operation.Embeddings),
    ];

    private static readonly string[] PassedMethods =
        [HttpMethods.Get, HttpMethods.Head, HttpMethods.Post, HttpMethods.Put, HttpMethods.Patch, HttpMethods.Delete];

    public static IServiceCollection AddApi(this IServiceCollection services) => services
        .AddSingleton<OperationEndpoint>()
        .AddSingleton<ContentLog>()
        .AddSingleton<ModelsEndpoint>()
        .AddSingleton<IReadinessCheck, ConfigurationReadiness>();

    public static void MapApi(this IEndpointRouteBuilder app)
    {
        var endpoint = app.ServiceProvider.GetRequiredService<OperationEndpoint>();
        var models = app.ServiceProvider.GetRequiredService<ModelsEndpoint>();
        var passthrough = app.ServiceProvider.GetRequiredService<PassthroughEndpoint>();
        foreach (var prefix in (ReadOnlySpan<string>)["", "/agents/{agent}"])
        {
            foreach (var (path, operation) in Operations)
            {
                app.MapMethods(prefix + path, [HttpMethods.Post], (RequestDelegate)(context => endpoint.HandleAsync(context, operation)))
                    .WithAccess(EndpointAccess.Client)
                    .WithMetadata(InferenceEndpoint.Instance);
            }

            app.MapMethods(prefix + "/v1/models", [HttpMethods.Get], (RequestDelegate)models.ListAsync).WithAccess(EndpointAccess.Client);
            app.MapMethods(prefix + "/v1/models/{**id}", [HttpMethods.Get], (RequestDelegate)models.GetAsync).WithAccess(EndpointAccess.Client);
            app.MapMethods(prefix + "/v1/{**path}", PassedMethods, (RequestDelegate)passthrough.HandleAsync).WithAccess(EndpointAccess.Client).WithMetadata(InferenceEndpoint.Instance);
        }

        app.MapSurfaces(endpoint);
    }
}
