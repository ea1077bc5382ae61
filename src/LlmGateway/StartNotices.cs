using LlmGateway.Configuration;
using LlmGateway.Model;

namespace LlmGateway;

/// <summary>What an operator wants to see once at the start: where calls go, what was left at its default, a key that was just made.</summary>
internal static partial class StartNotices
{
    public static void Write(WebApplication app, ConfigStart start)
    {
        var logger = app.Services.GetRequiredService<ILoggerFactory>().CreateLogger("LlmGateway");
        foreach (var notice in start.Notices.Concat(WorthKnowing(start.Config)))
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

    /// <summary>What follows from the files and is easily overlooked: better said once than found out late.</summary>
    private static IEnumerable<string> WorthKnowing(GatewayConfig config)
    {
        var budgets = config.ClientKeys.Values.Where(key => key.BudgetUsd is not null).Select(key => key.Name).Distinct().Order(StringComparer.Ordinal).ToList();
        var unpriced = config.Agents.Values.Append(config.Default)
            .SelectMany(agent => agent.Fallbacks.Prepend(agent.Target))
            .Where(target => target.ModelConfig is not { Price: not null } and not { IsFree: true })
            .Select(target => target.ToString()).Distinct().Order(StringComparer.Ordinal).ToList();
        if (budgets.Count > 0 && unpriced.Count > 0)
        {
            yield return $"client keys with a budget ({Some(budgets)}) may use models without a price, whose calls cost the budget nothing: {Some(unpriced)}";
        }
    }

    private static string Some(List<string> names) => string.Join(", ", names.Take(5)) + (names.Count > 5 ? ", …" : "");

    private static partial class Log
    {
        [LoggerMessage(EventId = 1, Level = LogLevel.Information, Message = "Gateway started: environment {Environment}, listening at {Urls}, default target {Target}, {Agents} agents")]
        public static partial void Started(ILogger logger, string environment, string urls, string target, int agents);

        [LoggerMessage(EventId = 2, Level = LogLevel.Warning, Message = "{Notice}")]
        public static partial void Notice(ILogger logger, string notice);
    }
}
