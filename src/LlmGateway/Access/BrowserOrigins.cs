using LlmGateway.Configuration;

namespace LlmGateway.Access;

/// <summary>Browsers of the origins in <c>GATEWAY_CORS_ORIGINS</c> may call; without any, no CORS header is ever sent.</summary>
internal static class BrowserOrigins
{
    private static readonly string[] ReadableHeaders =
        ["X-Request-Id", "x-llm-provider", "x-llm-model", "x-llm-agent", "x-llm-attempts", "x-llm-fallback-reason", "x-llm-cache", "Server-Timing", "retry-after", "x-should-retry",
         "x-ratelimit-limit-requests", "x-ratelimit-remaining-requests", "x-ratelimit-reset-requests", "x-ratelimit-limit-tokens", "x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"];

    public static IServiceCollection AddBrowserOrigins(this IServiceCollection services, IReadOnlyList<string> origins) => origins.Count == 0
        ? services
        : services.AddCors(cors => cors.AddDefaultPolicy(policy => policy
            .WithOrigins([.. origins])
            .AllowAnyHeader()
            .WithMethods(HttpMethods.Get, HttpMethods.Post, HttpMethods.Delete)
            .WithExposedHeaders(ReadableHeaders)));

    public static void UseBrowserOrigins(this WebApplication app)
    {
        if (app.Services.GetRequiredService<HostSettings>().CorsOrigins.Count > 0)
        {
            app.UseCors();
        }
    }
}
