namespace LlmGateway.Providers;

/// <summary>The dialects. A new provider is one file, one line here, and one folder of fixtures.</summary>
internal static class ProvidersServices
{
    public static IServiceCollection AddProviders(this IServiceCollection services) => services
        .AddSingleton<IProviderDialect, OpenAiDialect>()
        .AddSingleton<IProviderDialect, InternalDialect>()
        .AddSingleton<IProviderDialect, OpenRouterDialect>()
        .AddSingleton<IProviderDialect, OllamaDialect>()
        .AddSingleton<IProviderDialect, AnthropicDialect>()
        .AddSingleton<IProviderDialect, MockDialect>()
        .AddSingleton<ToolCallStates>()
        .AddSingleton<DialectSet>();
}
