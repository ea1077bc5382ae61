using System.Net.Sockets;
using Serilog;
using Serilog.Events;
using Serilog.Extensions.Logging;

namespace LlmGateway.Telemetry;

/// <summary>Which lines are logged, and through what: Serilog behind Microsoft.Extensions.Logging, ending in <see cref="LogOutput"/>.</summary>
internal static class LoggingSetup
{
    public static IServiceCollection AddGatewayLogging(this IServiceCollection services, LoggingSettings settings)
    {
        services.AddSingleton(settings);
        services.AddSingleton(provider => new LogOutput(
            settings.Output ?? Console.OpenStandardOutput(), settings.Format, provider.GetRequiredService<GatewayMetrics>(), provider.GetRequiredService<TimeProvider>()));
        services.AddLogging(logging =>
        {
            logging.ClearProviders();
            logging.SetMinimumLevel(LogLevel.Information);
            logging.AddFilter("Microsoft", LogLevel.Warning);
            logging.AddFilter("System", LogLevel.Warning);

            // It warns, with a stack trace, of every client that leaves. A fault of the gateway's own is thrown to the edge and logged there.
            logging.AddFilter("Yarp", LogLevel.Error);
            logging.AddFilter("LlmGateway", settings.IsDebug ? LogLevel.Debug : LogLevel.Information);

            // Any level here makes the host start an Activity for each request, for a scope that nobody reads.
            logging.AddFilter("Microsoft.AspNetCore.Hosting.Diagnostics", LogLevel.None);
        });
        return services.AddSingleton<ILoggerProvider>(provider => new SerilogLoggerProvider(
            new LoggerConfiguration().MinimumLevel.Verbose().Filter.ByExcluding(IsStartFailure).WriteTo.Sink(new LogOutputSink(provider.GetRequiredService<LogOutput>())).CreateLogger(), dispose: true));
    }

    /// <summary>The host's stack trace of a failed start: the process says the same in a sentence as it ends.</summary>
    private static bool IsStartFailure(LogEvent entry) =>
        entry.MessageTemplate.Text == "Hosting failed to start" && entry.Exception is IOException or SocketException;
}
