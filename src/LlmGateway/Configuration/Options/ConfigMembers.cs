using LlmGateway.Model;

namespace LlmGateway.Configuration.Options;

/// <summary>The members that the three files may hold. The editors' JSON schema names the same; a test keeps it true.</summary>
internal static class ConfigMembers
{
    public const string Schema = "$schema";

    public const string Http2 = "2";

    public static readonly string[] AgentsFile = [Schema, "default", "agents", "fallback_settings"];

    /// <summary>What an overlay may hold: every field of an agent but <c>environments</c>.</summary>
    public static readonly string[] Overlay =
    [
        "provider", "model_name", "api_key_env", "temperature", "max_tokens", "top_p", "stop", "seed", "reasoning_effort", "system_prompt",
        "response_format", "strategy", "fallbacks", "fallback_on", "role", "free_only", "timeout", "cache_ttl", "tools", "allow_model_override",
        "ticket_env", "evaluator", "hedge_after_ms",
    ];

    public static readonly string[] Agent = [.. Overlay, "environments"];

    public static readonly string[] Fallback =
    [
        "provider", "model_name", "api_key_env", "temperature", "max_tokens", "top_p", "stop", "seed", "reasoning_effort", "response_format",
        "timeout", "ticket_env",
    ];

    public static readonly string[] FallbackSettings = ["enabled", "max_retries", "providers"];

    public static readonly string[] SettingsFile = ["llm", "providers", "mcp_servers", "tools"];

    public static readonly string[] Llm =
    [
        "default_provider", "default_model", "timeout", "retry_attempts", "strategy", "circuit", "max_concurrency_per_target", "model_roles",
    ];

    public static readonly string[] Circuit = ["failures", "break_seconds"];

    /// <summary>The model roles, in the order in which a role chain goes through them.</summary>
    public static readonly string[] Roles = ["primary", "duplicate", "reserve", "fallback"];

    public static readonly string[] Provider =
    [
        "type", "base_url", "api_key", "headers", "models", "stream_usage", "identity_headers", "trace", "api_version", "flavor", "http_version",
        "timeout", "behavior",
    ];

    public static readonly string[] Model =
    [
        "context_window", "supports_tools", "supports_vision", "supports_json_schema", "free", "input_cost_per_1m", "output_cost_per_1m",
        "cached_input_cost_per_1m",
    ];

    public static readonly string[] Behavior = ["latency_ms", "chunk_delay_ms", "status", "retry_after", "reply", "fail"];

    public static readonly string[] IdentityHeaders =
        ["x-dep-ticket", "User-Id", "User-Type", "Send-System-Name", "Prompt-Msg-Id", "Completion-Msg-Id"];

    public static readonly string[] McpServer = ["url", "headers", "command", "args", "env"];

    public static readonly string[] Tools = ["weather_base_url", "search_base_url", "cache_ttl"];

    public static readonly string[] KeysFile = [Schema, "keys"];

    public static readonly string[] Key =
    [
        "name", "sha256", "department", "ticket_env", "user_id", "user_header", "agents", "models", "rpm", "tpm", "max_concurrency",
        "budget_usd", "budget_period", "not_before", "expires_at",
    ];

    /// <summary>What a key is made with at run time: the same, but for the key itself.</summary>
    public static readonly string[] MintedKey = [.. Key.Where(member => member != "sha256")];

    public static readonly string[] Strategies = ["single", "fastest", "best_of_two"];

    public static readonly string[] ProviderTypes = ["openai", "internal", "openrouter", "ollama", "anthropic", "gemini", "mock"];

    /// <summary>OpenAI-compatible servers with habits of their own; <c>plain</c> has none.</summary>
    public static readonly string[] Flavors = ["plain", "azure", "deepseek", "groq", "lmstudio", "mistral", "vllm"];

    public static readonly string[] HttpVersions = ["1.1", Http2];

    public static readonly string[] BuiltInTools = [.. ToolNames.BuiltIn];
}
