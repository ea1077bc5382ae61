using LlmGateway.Tools.Calculator;
using LlmGateway.Tools.Mcp;
using LlmGateway.Tools.Web;

namespace LlmGateway.Tools;

/// <summary>Tools that the gateway runs itself: built-in ones, MCP servers, and the loop that calls them.</summary>
internal static class ToolsServices
{
    public static IServiceCollection AddTools(this IServiceCollection services) => services
        .AddSingleton<ITool, CalculatorTool>()
        .AddSingleton<ITool, WeatherTool>()
        .AddSingleton<ITool, SearchTool>()
        .AddSingleton<WebBackend>()
        .AddSingleton<McpServers>()
        .AddHostedService(provider => provider.GetRequiredService<McpServers>())
        .AddSingleton<ToolCatalog>()
        .AddSingleton<ToolRunner>()
        .AddSingleton<ToolHandler>();
}
