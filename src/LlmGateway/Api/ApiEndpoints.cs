using LlmGateway.Access;
using LlmGateway.Surfaces;

namespace LlmGateway.Api;

/// <summary>The gateway's endpoints and who may call them.</summary>
internal static class ApiEndpoints
{
    public static IServiceCollection AddApi(this IServiceCollection services) => services.AddSingleton<ChatEndpoint>();

    public static void MapApi(this IEndpointRouteBuilder app)
    {
        var chat = app.ServiceProvider.GetRequiredService<ChatEndpoint>();
        foreach (var prefix in (ReadOnlySpan<string>)["", "/agents/{agent}"])
        {
            app.MapMethods(prefix + "/v1/chat/completions", [HttpMethods.Post], (RequestDelegate)chat.HandleAsync)
                .WithAccess(EndpointAccess.Client)
                .WithMetadata(InferenceEndpoint.Instance);
        }

        app.MapSurfaces(chat);
    }
}
