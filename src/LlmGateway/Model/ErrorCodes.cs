namespace LlmGateway.Model;

/// <summary>Values of OpenAI's <c>error.code</c> that the gateway uses: stable, for programs to compare.</summary>
public static class ErrorCodes
{
    public const string InvalidJson = "invalid_json";
    public const string InvalidRequest = "invalid_request";
    public const string MissingRequiredParameter = "missing_required_parameter";
    public const string InvalidHeader = "invalid_header";
    public const string UnsupportedByAnyTarget = "unsupported_by_any_target";

    /// <summary>Anthropic's word, told to its SDKs alone: they go on without a conversation that the server holds.</summary>
    public const string ThreadUnsupported = "thread_unsupported_request";

    public const string ContextLengthExceeded = "context_length_exceeded";
    public const string ContentFilter = "content_filter";
    public const string InvalidApiKey = "invalid_api_key";
    public const string Forbidden = "forbidden";
    public const string ModelNotAllowed = "model_not_allowed";
    public const string AgentNotAllowed = "agent_not_allowed";
    public const string AgentNotFound = "agent_not_found";
    public const string ModelNotFound = "model_not_found";
    public const string NotFound = "not_found";
    public const string MethodNotAllowed = "method_not_allowed";
    public const string RequestTooLarge = "request_too_large";
    public const string UnsupportedMediaType = "unsupported_media_type";
    public const string SessionNotFound = "session_not_found";
    public const string ConfigReadOnly = "config_read_only";
    public const string RateLimitExceeded = "rate_limit_exceeded";
    public const string InsufficientQuota = "insufficient_quota";
    public const string GatewayOverloaded = "gateway_overloaded";
    public const string ShuttingDown = "shutting_down";
    public const string StoreUnavailable = "store_unavailable";
    public const string UpstreamRateLimited = "upstream_rate_limited";
    public const string UpstreamAuthError = "upstream_auth_error";
    public const string AllProvidersFailed = "all_providers_failed";
    public const string NoHealthyUpstream = "no_healthy_upstream";
    public const string UpstreamTimeout = "upstream_timeout";
    public const string UpstreamStreamError = "upstream_stream_error";
    public const string InternalError = "internal_error";
}
