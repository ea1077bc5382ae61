using System.Collections.Concurrent;
using System.Globalization;
using LlmGateway.Model;

namespace LlmGateway.Telemetry;

/// <summary>
/// Counts what the gateway does. Providers and models come as targets, so that their labels are bounded by configuration; endpoints must be
/// route templates, agents configured names.
/// </summary>
public sealed class GatewayMetrics
{
    /// <summary>Label of requests that no provider answered.</summary>
    public const string NoTarget = "none";

    /// <summary>Departments beyond this many share one series.</summary>
    public const int MaxDepartments = 200;

    private const string Other = "other";

    private static readonly string[] Statuses = [.. Enumerable.Range(0, 600).Select(status => status.ToString(CultureInfo.InvariantCulture))];

    private readonly MetricCatalog _catalog = new();
    private readonly ConcurrentDictionary<string, string> _departments = new(StringComparer.Ordinal);

    /// <summary>What alerts wait for is there from the start: a counter that begins with its first event shows Prometheus no increase.</summary>
    public GatewayMetrics()
    {
        foreach (var result in (ReadOnlySpan<string>)["written", "spooled", "lost"])
        {
            UsageRecords(result, 0);
        }
    }

    internal IReadOnlyList<MetricFamily> Families => _catalog.All;

    public void RequestStarted(string endpoint) => _catalog.RequestsInFlight[new(endpoint)].Add(1);

    /// <summary>Counts a request once its answer has ended; pairs with <see cref="RequestStarted"/>.</summary>
    /// <param name="endpoint">Route template.</param>
    /// <param name="agent">The profile's name; empty: the request came to none.</param>
    /// <param name="target">Who answered; null: nobody.</param>
    /// <param name="status">What the client got; 499 when it went away.</param>
    /// <param name="duration">The whole time.</param>
    /// <param name="overhead">The part of it that was not waiting for a provider.</param>
    /// <param name="traceId">The trace that it belongs to, as an example in the histograms; null: none that anybody keeps.</param>
    public void RequestEnded(string endpoint, string agent, ProviderTarget? target, int status, TimeSpan duration, TimeSpan overhead, string? traceId = null)
    {
        var provider = target?.Provider.Name ?? NoTarget;
        var model = target?.ModelLabel ?? NoTarget;

        // Prometheus drops a label without a value.
        var name = agent.Length == 0 ? NoTarget : agent;
        _catalog.RequestsInFlight[new(endpoint)].Add(-1);
        _catalog.Requests[new(endpoint, name, provider, model, (uint)status < (uint)Statuses.Length ? Statuses[status] : Other)].Add(1);
        _catalog.RequestDuration[new(endpoint, name, provider, model)].Record(duration, traceId);
        _catalog.Overhead[new(endpoint)].Record(overhead, traceId);
    }

    /// <param name="agent">The profile's name.</param>
    /// <param name="target">Who answered.</param>
    /// <param name="time">From the request's arrival.</param>
    /// <param name="traceId">The trace that it belongs to; null: none that anybody keeps.</param>
    public void TimeToFirstToken(string agent, ProviderTarget target, TimeSpan time, string? traceId = null) =>
        _catalog.TimeToFirstToken[new(agent, target.Provider.Name, target.ModelLabel)].Record(time, traceId);

    public void TimePerOutputToken(ProviderTarget target, TimeSpan time) =>
        _catalog.TimePerOutputToken[new(target.Provider.Name, target.ModelLabel)].Record(time);

    /// <summary>Counts what one provider call used.</summary>
    public void Tokens(string agent, ProviderTarget target, in TokenUsage usage)
    {
        var (provider, model) = (target.Provider.Name, target.ModelLabel);
        AddTo(_catalog.Tokens[new(agent, provider, model, TokenTypes.Input)], usage.Input);
        AddTo(_catalog.Tokens[new(agent, provider, model, TokenTypes.Output)], usage.Output);
        AddTo(_catalog.Tokens[new(agent, provider, model, TokenTypes.CachedInput)], usage.CachedInput);
        AddTo(_catalog.Tokens[new(agent, provider, model, TokenTypes.Reasoning)], usage.Reasoning);
    }

    public void Cost(string agent, ProviderTarget target, long microUsd) =>
        AddTo(_catalog.Cost[new(agent, target.Provider.Name, target.ModelLabel)], microUsd);

    /// <summary>Counts what a department's request used, all its provider calls together.</summary>
    public void Department(string department, in TokenUsage usage, in TokenCosts costs)
    {
        var label = DepartmentLabel(department);
        AddTo(_catalog.DepartmentTokens[new(label, TokenTypes.Input)], usage.Input);
        AddTo(_catalog.DepartmentTokens[new(label, TokenTypes.Output)], usage.Output);
        AddTo(_catalog.DepartmentTokens[new(label, TokenTypes.CachedInput)], usage.CachedInput);
        AddTo(_catalog.DepartmentTokens[new(label, TokenTypes.Reasoning)], usage.Reasoning);
        AddTo(_catalog.DepartmentCost[new(label, TokenTypes.Input)], costs.Input);
        AddTo(_catalog.DepartmentCost[new(label, TokenTypes.Output)], costs.Output);
        AddTo(_catalog.DepartmentCost[new(label, TokenTypes.CachedInput)], costs.CachedInput);
    }

    /// <param name="target">Who was called.</param>
    /// <param name="outcome"><see cref="FailureReason.None"/> for success.</param>
    public void Attempt(ProviderTarget target, FailureReason outcome) =>
        _catalog.Attempts[new(target.Provider.Name, target.ModelLabel, outcome == FailureReason.None ? "success" : outcome.ToName())].Add(1);

    public void Fallback(string agent, ProviderTarget from, ProviderTarget to, FailureReason reason) =>
        _catalog.Fallbacks[new(agent, from.Provider.Name, to.Provider.Name, reason.ToName())].Add(1);

    /// <param name="target">Whose circuit changed.</param>
    /// <param name="state">0 closed, 1 half-open, 2 open.</param>
    public void CircuitState(ProviderTarget target, int state) => _catalog.CircuitState[new(target.Provider.Name, target.ModelLabel)].Set(state);

    /// <param name="result"><c>hit</c>, <c>miss</c> or <c>bypass</c>.</param>
    public void CacheRequest(string result) => _catalog.CacheRequests[new(result)].Add(1);

    /// <summary>Counts what a cached answer saved.</summary>
    /// <param name="agent">The profile's name.</param>
    /// <param name="target">Whose answer was kept.</param>
    /// <param name="microUsd">What the call cost when it was made.</param>
    public void CacheSaved(string agent, ProviderTarget target, long microUsd) =>
        AddTo(_catalog.CacheSaved[new(agent, target.Provider.Name, target.ModelLabel)], microUsd);

    /// <param name="limit">Which limit refused: a name of the gateway's own (<c>rpm</c>, <c>tpm</c>, <c>concurrency</c>, <c>budget</c>), never a key's.</param>
    public void RateLimited(string limit) => _catalog.RateLimited[new(limit)].Add(1);

    /// <param name="store">The store that was away when something was decided without it.</param>
    public void DegradedDecision(string store) => _catalog.DegradedDecisions[new(store)].Add(1);

    /// <param name="file">The file's role or name, not its path.</param>
    /// <param name="result"><c>accepted</c> or <c>rejected</c>.</param>
    /// <param name="count">How many; 0 makes the series.</param>
    public void ConfigReload(string file, string result, long count = 1) => _catalog.ConfigReloads[new(file, result)].Add(count);

    /// <param name="result"><c>written</c>, <c>spooled</c> or <c>lost</c>.</param>
    /// <param name="count">How many request records.</param>
    public void UsageRecords(string result, long count) => _catalog.UsageRecords[new(result)].Add(count);

    /// <param name="store"><c>database</c> or <c>redis</c>.</param>
    /// <param name="isUp">Whether it works.</param>
    public void StoreUp(string store, bool isUp) => _catalog.StoreUp[new(store)].Set(isUp ? 1 : 0);

    /// <param name="result"><c>exported</c>, <c>failed</c> or <c>dropped</c>.</param>
    /// <param name="count">How many spans.</param>
    public void Spans(string result, long count) => _catalog.Spans[new(result)].Add(count);

    internal NumberSeries LogLinesDropped => _catalog.LogLinesDropped[default];

    private static void AddTo(NumberSeries series, long amount)
    {
        if (amount > 0)
        {
            series.Add(amount);
        }
    }

    private string DepartmentLabel(string department)
    {
        if (_departments.TryGetValue(department, out var label))
        {
            return label;
        }

        return _departments.Count < MaxDepartments ? _departments.GetOrAdd(department, department) : Other;
    }

    private static class TokenTypes
    {
        public const string Input = "input";
        public const string Output = "output";
        public const string CachedInput = "cached_input";
        public const string Reasoning = "reasoning";
    }
}
