using System.Collections.Concurrent;
using LlmGateway.Model;
using LlmGateway.Telemetry;

namespace LlmGateway.Resilience;

/// <summary>States by target. They stay while provider, base URL and model stay the same; names that no file lists share one state per provider.</summary>
internal sealed partial class TargetStates(TimeProvider time, GatewayMetrics metrics, ILogger<TargetStates> logger)
{
    private readonly ConcurrentDictionary<(string Provider, Uri? BaseUrl, string Model), TargetState> _states = new();

    public TargetState Of(ProviderTarget target) => Find(target) ?? _states.GetOrAdd(KeyOf(target), Create(target));

    /// <summary>The state of a target that has been called, or asked about, before; null: it has not.</summary>
    public TargetState? Find(ProviderTarget target) => _states.GetValueOrDefault(KeyOf(target));

    private static (string Provider, Uri? BaseUrl, string Model) KeyOf(ProviderTarget target) => (target.Provider.Name, target.Provider.BaseUrl, target.ModelLabel);

    private TargetState Create(ProviderTarget target)
    {
        metrics.CircuitState(target, (int)CircuitPosition.Closed);
        return new TargetState(time, (position, reason, failures) =>
        {
            metrics.CircuitState(target, (int)position);
            Write(target, position, reason, failures);
        });
    }

    private void Write(ProviderTarget target, CircuitPosition position, FailureReason reason, int failures)
    {
        var (provider, model) = (target.Provider.Name, target.ModelLabel);
        switch (position)
        {
            case CircuitPosition.Open:
                Log.Opened(logger, provider, model, failures, reason.ToName());
                break;
            case CircuitPosition.HalfOpen:
                Log.HalfOpened(logger, provider, model);
                break;
            default:
                Log.Closed(logger, provider, model);
                break;
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1301, LogLevel.Warning, "Circuit of {Provider}/{Model} opened after {Failures} failures in a row, the last one {Reason}")]
        public static partial void Opened(ILogger logger, string provider, string model, int failures, string reason);

        [LoggerMessage(1302, LogLevel.Information, "Circuit of {Provider}/{Model} is half-open: one call finds out whether it is back")]
        public static partial void HalfOpened(ILogger logger, string provider, string model);

        [LoggerMessage(1303, LogLevel.Information, "Circuit of {Provider}/{Model} closed")]
        public static partial void Closed(ILogger logger, string provider, string model);
    }
}
