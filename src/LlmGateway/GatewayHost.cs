using System.Text;
using LlmGateway.Configuration;
using LlmGateway.Database;
using LlmGateway.Telemetry;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace LlmGateway;

/// <summary>Builds the gateway as a web application, from nothing but its inputs: several can run in one process.</summary>
public static class GatewayHost
{
    private const string DefaultUrl = "http://localhost:8080";

    /// <summary>Bytes that a client may send ahead of their being read (the server's own default is 1 MiB): nobody has asked yet whether the heap has room for them.</summary>
    private const int MostSentAhead = 64 * 1024;

    /// <exception cref="StartupException">Something in the configuration is wrong; it lists everything at once.</exception>
    public static WebApplication Build(HostInputs inputs)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        var urls = ListenUrls(inputs);
        if (ListenAddressRules.Check(urls).ToArray() is { Length: > 0 } problems)
        {
            throw new StartupException(problems);
        }

        var start = ConfigStart.Begin(inputs.Variables, inputs.WorkingDirectory, AppContext.BaseDirectory, urls);
        CheckDatabase(start.Host);

        // The empty builder is the one that adds nothing of its own: no error page with a stack trace in development, no sources of settings.
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions
        {
            ContentRootPath = AppContext.BaseDirectory,
            EnvironmentName = start.Host.Environment,
        });

        builder.Services.AddRoutingCore();
        builder.WebHost.UseKestrelCore();
        builder.WebHost.UseUrls([.. urls]);
        builder.WebHost.UseSockets(sockets => sockets.MaxReadBufferSize = MostSentAhead);
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(10);
            kestrel.Limits.MaxConcurrentConnections = 10_000;
            kestrel.Limits.MaxRequestBufferSize = MostSentAhead;

            // Every byte is a character: a header that is no UTF-8 is refused by whoever reads it, with an error that names it.
            kestrel.RequestHeaderEncodingSelector = static _ => Encoding.Latin1;

            // Plain text alone, and so no HTTP/2 towards clients: a TLS end in front of it speaks that.
            kestrel.ConfigureEndpointDefaults(endpoint => endpoint.Protocols = HttpProtocols.Http1);

            // What may be larger than a JSON body is what is passed through; JSON has its own limit where it is read.
            kestrel.Limits.MaxRequestBodySize = Math.Max(start.Host.MaxBodyBytes, start.Host.MaxUploadBytes);
        });
        builder.Services.AddLlmGateway(start, LoggingSettings.From(Settings(inputs).Find) with { IsDebug = start.Host.IsDebug });
        inputs.ConfigureServices?.Invoke(builder.Services);

        var app = builder.Build();
        app.UseLlmGateway();
        if (inputs.IsServing)
        {
            StartNotices.Write(app, start);
        }

        return app;
    }

    /// <summary><c>--urls</c>, else <c>ASPNETCORE_URLS</c>, else both loopbacks.</summary>
    internal static string[] ListenUrls(HostInputs inputs)
    {
        string? urls = null;
        for (var i = 0; i < inputs.Args.Length; i++)
        {
            var argument = inputs.Args[i];
            if (argument.StartsWith("--urls=", StringComparison.OrdinalIgnoreCase))
            {
                urls = argument["--urls=".Length..];
            }
            else if (argument.Equals("--urls", StringComparison.OrdinalIgnoreCase) && i + 1 < inputs.Args.Length)
            {
                urls = inputs.Args[i + 1];
            }
        }

        urls ??= Settings(inputs).Find("ASPNETCORE_URLS");
        return string.IsNullOrWhiteSpace(urls) ? [DefaultUrl] : urls.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
    }

    /// <summary>What is wrong with them is told when all of the start is.</summary>
    private static SettingsSource Settings(HostInputs inputs) => SettingsSource.Load(inputs.Variables, inputs.WorkingDirectory, AppContext.BaseDirectory, []);

    private static void CheckDatabase(HostSettings settings)
    {
        if (!DatabaseUrl.TryParse(settings.DatabaseUrl, settings.WorkingDirectory, out _, out var problem))
        {
            throw new StartupException([new ConfigProblem("settings", null, SettingNames.DatabaseUrl, problem!, "Leave it out for SQLite in data/.")]);
        }
    }
}
