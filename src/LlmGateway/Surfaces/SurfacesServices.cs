namespace LlmGateway.Surfaces;

/// <summary>What clients speak besides OpenAI's form. A new one is one dialect, one line here, and its endpoints.</summary>
internal static class SurfacesServices
{
    public static IServiceCollection AddSurfaces(this IServiceCollection services) => services
        .AddSingleton<IClientDialect>(_ => new AnthropicClientDialect())
        .AddSingleton<IClientDialect>(provider => OllamaClientDialect.Chat(provider.GetRequiredService<TimeProvider>()))
        .AddSingleton<IClientDialect>(provider => OllamaClientDialect.Generate(provider.GetRequiredService<TimeProvider>()))
        .AddSingleton<IClientDialect>(provider => new OllamaEmbedDialect(provider.GetRequiredService<TimeProvider>()))
        .AddSingleton<IClientDialect>(provider => SessionClientDialect.Message(provider.GetRequiredService<TimeProvider>()))
        .AddSingleton<IClientDialect>(provider => SessionClientDialect.Stream(provider.GetRequiredService<TimeProvider>()))
        .AddSingleton<IClientDialect>(_ => new AgentClientDialect())
        .AddSingleton<SessionEndpoints>()
        .AddSingleton<ClientDialectSet>()
        .AddSingleton<SurfaceHandler>()
        .AddSingleton<CountTokensEndpoint>()
        .AddSingleton<OllamaModelEndpoints>();
}
