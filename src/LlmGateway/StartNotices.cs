using LlmGateway.Configuration;
using LlmGateway.Model;

namespace LlmGateway;

/// <summary>What an operator wants to see once at the start: where calls go, what was left at its default, a key that was just made.</summary>
internal static partial class StartNotices
{
    public static void Write(WebApplication app, ConfigStart start)
    {
        var logger = app.Services.GetRequiredService<ILoggerFactory>().CreateLogger("LlmGateway");
        foreach (var notice in start.Notices.Concat(NotInForce(start.Config)))
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

    /// <summary>What the files ask for and this version does not do: better said once than found out late.</summary>
    private static IEnumerable<string> NotInForce(GatewayConfig config)
    {
        if (config.ClientKeys.Values.Any(key => key.RequestsPerMinute is not null || key.TokensPerMinute is not null || key.MaxConcurrency is not null || key.BudgetUsd is not null))
        {
            yield return "limits and budgets of client keys are read and checked, but not enforced by this version";
        }
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 1, Level = LogLevel.Information, Message = "Gateway started: environment {Environment}, listening at {Urls}, default target {Target}, {Agents} agents")]
        public static partial void Started(ILogger logger, string environment, string urls, string target, int agents);

        [LoggerMessage(EventId = 2, Level = LogLevel.Warning, Message = "{Notice}")]
        public static partial void Notice(ILogger logger, string notice);
    }
}
