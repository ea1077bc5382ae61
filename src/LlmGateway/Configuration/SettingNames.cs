namespace LlmGateway.Configuration;

/// <summary>The names of the settings, as variables, in <c>.env</c> and in appsettings.</summary>
public static class SettingNames
{
    public const string Environment = "ENVIRONMENT";
    public const string InternalBaseUrl = "INTERNAL_LLM_BASE_URL";
    public const string InternalModel = "INTERNAL_LLM_MODEL";
    public const string InternalApiKey = "INTERNAL_LLM_API_KEY";
    public const string InternalTicket = "INTERNAL_LLM_TICKET";
    public const string InternalSystemName = "INTERNAL_LLM_SYSTEM_NAME";
    public const string UserId = "USER_ID";
    public const string UserType = "USER_TYPE";
    public const string OllamaBaseUrl = "OLLAMA_BASE_URL";
    public const string OllamaModel = "OLLAMA_MODEL";
    public const string OpenAiApiKey = "OPENAI_API_KEY";
    public const string AnthropicApiKey = "ANTHROPIC_API_KEY";
    public const string GeminiApiKey = "GEMINI_API_KEY";
    public const string GoogleApiKey = "GOOGLE_API_KEY";
    public const string OpenRouterApiKey = "OPENROUTER_API_KEY";
    public const string Timeout = "LLM_TIMEOUT";
    public const string TotalTimeout = "LLM_TOTAL_TIMEOUT";
    public const string MaxRetries = "LLM_MAX_RETRIES";
    public const string Temperature = "LLM_TEMPERATURE";
    public const string Debug = "LLM_DEBUG";
    public const string LogContent = "LLM_LOG_CONTENT";
    public const string AgentsFile = "AGENT_LLM_CONFIG";
    public const string SettingsFile = "LLM_SETTINGS";
    public const string KeysFile = "GATEWAY_KEYS_FILE";
    public const string ClientKeys = "GATEWAY_API_KEYS";
    public const string Auth = "GATEWAY_AUTH";
    public const string AdminKey = "ADMIN_API_KEY";
    public const string MaxConcurrency = "GATEWAY_MAX_CONCURRENCY";
    public const string Queue = "GATEWAY_QUEUE";
    public const string MaxBody = "GATEWAY_MAX_BODY";
    public const string MaxUpload = "GATEWAY_MAX_UPLOAD";
    public const string AnnounceSeconds = "GATEWAY_ANNOUNCE_SECONDS";
    public const string DrainSeconds = "GATEWAY_DRAIN_SECONDS";
    public const string CorsOrigins = "GATEWAY_CORS_ORIGINS";
    public const string RedisUrl = "REDIS_URL";
    public const string DatabaseUrl = "DATABASE_URL";
    public const string HistoryRetentionDays = "HISTORY_RETENTION_DAYS";
    public const string OtlpEndpoint = "OTEL_EXPORTER_OTLP_ENDPOINT";
    public const string OtlpTracesEndpoint = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
    public const string InContainer = "DOTNET_RUNNING_IN_CONTAINER";

    /// <summary>OpenTelemetry's own variables that the gateway follows.</summary>
    internal static readonly string[] OpenTelemetry =
    [
        OtlpEndpoint, "OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TIMEOUT",
        OtlpTracesEndpoint, "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT",
        "OTEL_SDK_DISABLED", "OTEL_TRACES_EXPORTER", "OTEL_SERVICE_NAME", "OTEL_RESOURCE_ATTRIBUTES", "OTEL_TRACES_SAMPLER", "OTEL_TRACES_SAMPLER_ARG",
        "OTEL_BSP_SCHEDULE_DELAY", "OTEL_BSP_MAX_QUEUE_SIZE", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE",
    ];

    /// <summary>Whether the text can be the name of an environment variable.</summary>
    internal static bool IsVariable(string name) =>
        name.Length is > 0 and <= 128
        && !char.IsAsciiDigit(name[0])
        && name.All(character => char.IsAsciiLetterOrDigit(character) || character == '_');
}
