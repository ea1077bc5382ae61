using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Serilog;
using Serilog.Extensions.Logging;

namespace LlmGateway.FunctionalTests.Infrastructure;

/// <summary>Takes every line of a gateway, through what the gateway itself logs with, into its <see cref="TraceLog"/>.</summary>
internal sealed class TraceLogProvider(TraceLog log) : SerilogLoggerProvider(
    new LoggerConfiguration().MinimumLevel.Verbose().WriteTo.Sink(log).CreateLogger(), dispose: true)
{
    /// <summary>What is off stays off; all else says here all it has to say, and elsewhere what it was told to.</summary>
    /// <param name="path">The file.</param>
    /// <param name="buffer">As of <see cref="TraceLog"/>.</param>
    public static void AddTo(IServiceCollection services, string path, int buffer)
    {
        services.AddSingleton<ILoggerProvider>(_ => new TraceLogProvider(new TraceLog(path, buffer)));
        services.PostConfigure<LoggerFilterOptions>(options =>
        {
            var name = typeof(TraceLogProvider).FullName;
            var off = options.Rules.Where(rule => rule.LogLevel == LogLevel.None).Select(rule => new LoggerFilterRule(name, rule.CategoryName, LogLevel.None, filter: null)).ToArray();
            foreach (var rule in off.Append(new LoggerFilterRule(name, categoryName: null, LogLevel.Trace, filter: null)))
            {
                options.Rules.Add(rule);
            }
        });
    }
}
