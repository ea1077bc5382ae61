using LlmGateway.Configuration;

namespace LlmGateway;

/// <summary>What an operator wants to see once at the start: where calls go, what was left at its default, a key that was just made.</summary>
internal static partial class StartNotices
{
    public static void Write(WebApplication app, ConfigStart start)
    {
        var logger = app.Services.GetRequiredService<ILoggerFactory>().CreateLogger("LlmGateway");
        foreach (var notice in start.Notices)
        {
            Log.Notice(logger, notice);
        }

        if (start.ContainerKey is { IsNew: true } key)
        {
            // Printed, not logged: logs are collected, and this is a secret.
            Console.WriteLine($"Client key of this container, kept in {key.Path}: {key.Key}");
        }

        app.Lifetime.ApplicationStarted.Register(() => Log.Started(
            logger, start.Host.Environment, string.Join(", ", app.Urls), start.Config.Default.Target.ToString(), start.Config.Agents.Count));
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 1, Level = LogLevel.Information, Message = "Gateway started: environment {Environment}, listening at {Urls}, default target {Target}, {Agents} agents")]
        public static partial void Started(ILogger logger, string environment, string urls, string target, int agents);

        [LoggerMessage(EventId = 2, Level = LogLevel.Warning, Message = "{Notice}")]
        public static partial void Notice(ILogger logger, string notice);
    }
}
