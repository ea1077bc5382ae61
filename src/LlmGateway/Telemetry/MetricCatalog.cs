namespace LlmGateway.Telemetry;

/// <summary>
/// Every metric of the gateway's own: name, help, labels, buckets. Names and labels are public; dashboards use them.
/// No label holds a user, a key or anything else that configuration does not bound; <c>endpoint</c> is the route template.
/// </summary>
internal sealed class MetricCatalog
{
    private const long MicroUsd = 1_000_000;

    /// <summary>From a mock's answer to a long reasoning stream at the default total time-out.</summary>
    private static readonly double[] LatencyBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600];

    private static readonly double[] OverheadBuckets = [0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1];

    private static readonly double[] TokenBuckets = [0.001, 0.0025, 0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.25, 0.5, 1, 2];

    public CounterFamily Requests { get; } = new("llm_gateway_requests_total",
        "Requests by the status that the client got (499: the client went away).", "endpoint", "agent", "provider", "model", "status");

    public HistogramFamily RequestDuration { get; } = new("llm_gateway_request_duration_seconds",
        "Time from a request's arrival to the end of its answer.", LatencyBuckets, "endpoint", "agent", "provider", "model");

    public HistogramFamily TimeToFirstToken { get; } = new("llm_gateway_time_to_first_token_seconds",
        "Time from a streamed request's arrival to its first token.", LatencyBuckets, "agent", "provider", "model");

    public HistogramFamily TimePerOutputToken { get; } = new("llm_gateway_time_per_output_token_seconds",
        "Mean time between the output tokens of one stream.", TokenBuckets, "provider", "model");

    public HistogramFamily Overhead { get; } = new("llm_gateway_overhead_seconds",
        "Time spent in the gateway, not waiting for a provider.", OverheadBuckets, "endpoint");

    public CounterFamily Tokens { get; } = new("llm_gateway_tokens_total",
        "Tokens by type; cached input is part of input, reasoning is part of output.", "agent", "provider", "model", "type");

    public CounterFamily Cost { get; } = new("llm_gateway_cost_usd_total",
        "Cost of provider calls by the configured prices.", MicroUsd, "agent", "provider", "model");

    public CounterFamily DepartmentTokens { get; } = new("llm_gateway_department_tokens_total",
        "Tokens by the department of the client key.", "department", "type");

    public CounterFamily DepartmentCost { get; } = new("llm_gateway_department_cost_usd_total",
        "Cost by the department of the client key and by type of tokens; here cached input is no part of input, and the types add up.", MicroUsd, "department", "type");

    public CounterFamily Attempts { get; } = new("llm_gateway_attempts_total",
        "Provider calls by how they ended: success, or the reason of the failure.", "provider", "model", "outcome");

    public CounterFamily Fallbacks { get; } = new("llm_gateway_fallbacks_total",
        "Times that another target followed a failed one.", "agent", "from_provider", "to_provider", "reason");

    public GaugeFamily CircuitState { get; } = new("llm_gateway_circuit_state",
        "Circuit of a target: 0 closed, 1 half-open, 2 open.", "provider", "model");

    public GaugeFamily RequestsInFlight { get; } = new("llm_gateway_requests_in_flight",
        "Requests being served.", "endpoint");

    public CounterFamily CacheRequests { get; } = new("llm_gateway_cache_requests_total",
        "Requests by what the response cache had for them.", "result");

    public CounterFamily CacheSaved { get; } = new("llm_gateway_cache_saved_usd_total",
        "Cost of the provider calls that cached answers stood in for.", MicroUsd, "agent", "provider", "model");

    public CounterFamily RateLimited { get; } = new("llm_gateway_rate_limited_total",
        "Requests refused by one of the client key's limits.", "limit");

    public CounterFamily ConfigReloads { get; } = new("llm_gateway_config_reloads_total",
        "Changed configuration files by what became of the change.", "file", "result");

    public CounterFamily UsageRecords { get; } = new("llm_gateway_usage_records_total",
        "Request records by what became of them.", "result");

    public GaugeFamily StoreUp { get; } = new("llm_gateway_store_up",
        "Whether a store works (1) or not (0).", "store");

    public CounterFamily DegradedDecisions { get; } = new("llm_gateway_degraded_decisions_total",
        "Decisions about limits and budgets that were made without a store that was away.", "store");

    public CounterFamily LogLinesDropped { get; } = new("llm_gateway_log_lines_dropped_total",
        "Log lines dropped because the output did not take them in time.");

    public CounterFamily Spans { get; } = new("llm_gateway_spans_total",
        "Spans by what became of them: exported, failed (the collector refused them or did not answer), dropped (too many were waiting).", "result");

    public IReadOnlyList<MetricFamily> All =>
    [
        Requests, RequestDuration, TimeToFirstToken, TimePerOutputToken, Overhead, Tokens, Cost, DepartmentTokens, DepartmentCost, Attempts, Fallbacks,
        CircuitState, RequestsInFlight, CacheRequests, CacheSaved, RateLimited, ConfigReloads, UsageRecords, StoreUp, DegradedDecisions, LogLinesDropped, Spans,
    ];
}
