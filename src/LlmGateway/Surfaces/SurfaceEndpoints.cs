using LlmGateway.Access;
using LlmGateway.Api;
using LlmGateway.Model;

namespace LlmGateway.Surfaces;

/// <summary>The endpoints of clients that do not speak OpenAI's form. A wrong method on their paths is refused in their own shape too.</summary>
internal static class SurfaceEndpoints
{
    public static void MapSurfaces(this IEndpointRouteBuilder app, OperationEndpoint operations)
    {
        var dialects = app.ServiceProvider.GetRequiredService<ClientDialectSet>();
        var models = app.ServiceProvider.GetRequiredService<OllamaModelEndpoints>();
        var anthropic = dialects[AnthropicClientDialect.DialectName];
        var ollama = dialects[OllamaClientDialect.ChatName];
        foreach (var prefix in (ReadOnlySpan<string>)["", "/agents/{agent}"])
        {
            Map(app, prefix + "/v1/messages", HttpMethods.Post, Chat, anthropic).WithMetadata(InferenceEndpoint.Instance);
            Map(app, prefix + "/v1/messages/count_tokens", HttpMethods.Post, app.ServiceProvider.GetRequiredService<CountTokensEndpoint>().HandleAsync, anthropic);
        }

        Map(app, "/api/chat", HttpMethods.Post, Chat, ollama).WithMetadata(InferenceEndpoint.Instance);
        Map(app, "/api/generate", HttpMethods.Post, Chat, dialects[OllamaClientDialect.GenerateName]).WithMetadata(InferenceEndpoint.Instance);
        Map(app, "/api/embed", HttpMethods.Post, context => operations.HandleAsync(context, Operation.Embeddings), dialects[OllamaEmbedDialect.DialectName]).WithMetadata(InferenceEndpoint.Instance);
        Map(app, "/api/show", HttpMethods.Post, models.ShowAsync, ollama);
        Map(app, "/api/tags", HttpMethods.Get, OllamaModelEndpoints.TagsAsync, ollama);
        Map(app, "/api/ps", HttpMethods.Get, OllamaModelEndpoints.LoadedAsync, ollama);
        Map(app, "/api/version", HttpMethods.Get, OllamaModelEndpoints.VersionAsync, ollama);

        foreach (var call in (ReadOnlySpan<string>)["pull", "push", "create", "copy", "delete"])
        {
            MapUnserved(app, "/api/" + call, "Models are not managed through the gateway. Do it at Ollama itself.", ollama);
        }

        MapUnserved(app, "/api/embeddings", "The gateway serves what came after it: send 'input' to POST /api/embed.", ollama);

        var sessions = app.ServiceProvider.GetRequiredService<SessionEndpoints>();
        Map(app, "/api/chat/message", HttpMethods.Post, Chat, dialects[SessionClientDialect.MessageName]).WithMetadata(InferenceEndpoint.Instance);
        Map(app, "/api/chat/message/stream", HttpMethods.Post, Chat, dialects[SessionClientDialect.StreamName]).WithMetadata(InferenceEndpoint.Instance);
        Map(app, "/api/agents/{agent}/complete", HttpMethods.Post, Chat, dialects[AgentClientDialect.DialectName]).WithMetadata(InferenceEndpoint.Instance);
        app.MapMethods("/api/chat/session", [HttpMethods.Post], (RequestDelegate)sessions.CreateAsync).WithAccess(EndpointAccess.Client);
        app.MapMethods("/api/chat/session/{session_id}", [HttpMethods.Delete], (RequestDelegate)sessions.DeleteAsync).WithAccess(EndpointAccess.Client);
        app.MapMethods("/api/chat/history/{session_id}", [HttpMethods.Get], (RequestDelegate)sessions.HistoryAsync).WithAccess(EndpointAccess.Client);

        Task Chat(HttpContext context) => operations.HandleAsync(context, Operation.ChatCompletions);
    }

    /// <summary>What clients of the form know and the gateway has not: a refusal that they can read, whatever the method.</summary>
    private static void MapUnserved(IEndpointRouteBuilder app, string pattern, string advice, IClientDialect dialect) => app
        .Map(pattern, context => ErrorWriter.WriteAsync(context, new GatewayError(404, ErrorTypes.InvalidRequest, ErrorCodes.NotFound, advice)))
        .WithAccess(EndpointAccess.Client).WithMetadata(new SurfaceMetadata(dialect));

    private static IEndpointConventionBuilder Map(IEndpointRouteBuilder app, string pattern, string method, RequestDelegate handle, IClientDialect dialect)
    {
        app.Map(pattern, context =>
        {
            context.Response.Headers.Allow = method;
            context.Response.StatusCode = StatusCodes.Status405MethodNotAllowed;
            return Task.CompletedTask;
        }).WithAccess(EndpointAccess.Client).WithMetadata(new SurfaceMetadata(dialect));
        return app.MapMethods(pattern, [method], handle).WithAccess(EndpointAccess.Client).WithMetadata(new SurfaceMetadata(dialect));
    }
}
