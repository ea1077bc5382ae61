using System.Net;
using LlmGateway.Model;
using ModelContextProtocol.Client;

namespace LlmGateway.Tools.Mcp;

/// <summary>Ways to an MCP server: its address over HTTP, or a process of its own over stdin and stdout.</summary>
internal static class McpTransports
{
    // What a program needs to be found and to run; nothing of the gateway's own secrets.
    private static readonly string[] PassedOn = ["PATH", "PATHEXT", "SystemRoot", "ComSpec"];

    public static IClientTransport Create(McpServerConfig config) => config.Url is { } url
        ? new HttpClientTransport(
            new HttpClientTransportOptions
            {
                Name = config.Name,
                Endpoint = url,
                AdditionalHeaders = config.Headers.ToDictionary(header => header.Key, header => header.Value),
                ConnectionTimeout = TimeSpan.FromSeconds(10),
            },
            CreateClient(url),
            loggerFactory: null,
            ownsHttpClient: true)
        : new StdioClientTransport(new StdioClientTransportOptions
        {
            Name = config.Name,
            Command = config.Command!,
            Arguments = [.. config.Arguments],
            InheritEnvironmentVariables = false,
            EnvironmentVariables = EnvironmentOf(config),
            ShutdownTimeout = TimeSpan.FromSeconds(2),
        });

    private static Dictionary<string, string?> EnvironmentOf(McpServerConfig config)
    {
        var environment = new Dictionary<string, string?>(StringComparer.Ordinal);
        foreach (var name in PassedOn)
        {
            if (Environment.GetEnvironmentVariable(name) is { } value)
            {
                environment[name] = value;
            }
        }

        foreach (var (name, value) in config.Environment)
        {
            environment[name] = value;
        }

        return environment;
    }

    private static HttpClient CreateClient(Uri url) => new(new McpHttpGuard(url)
    {
        InnerHandler = new SocketsHttpHandler
        {
            UseProxy = false,
            UseCookies = false,
            AllowAutoRedirect = false,
            ActivityHeadersPropagator = null,
            AutomaticDecompression = DecompressionMethods.None,
            ConnectTimeout = TimeSpan.FromSeconds(5),
            PooledConnectionLifetime = TimeSpan.FromSeconds(90),
            MaxResponseHeadersLength = 64,
        },
    })
    {
        Timeout = Timeout.InfiniteTimeSpan,
    };
}
