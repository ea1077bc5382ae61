using System.Collections.Frozen;

namespace LlmGateway.Configuration;

/// <summary>Settings of the process, frozen at start: what a reload of the files cannot change.</summary>
public sealed record HostSettings
{
    /// <summary><c>ENVIRONMENT</c>. Default: <c>development</c>.</summary>
    public string Environment { get; init; } = "development";

    public bool IsDevelopment => string.Equals(Environment, "development", StringComparison.OrdinalIgnoreCase);

    /// <summary>What relative paths count from.</summary>
    public required string WorkingDirectory { get; init; }

    /// <summary><c>GATEWAY_AUTH=none</c>: no client keys wanted. Default: false.</summary>
    public bool IsAuthOff { get; init; }

    /// <summary><c>ADMIN_API_KEY</c>. Default: none.</summary>
    public string? AdminKey { get; init; }

    /// <summary><c>GATEWAY_MAX_CONCURRENCY</c>: requests at once. Default: 2000.</summary>
    public int MaxConcurrency { get; init; } = 2000;

    /// <summary><c>GATEWAY_QUEUE</c>: requests waiting beyond that, shared between client keys. Default: 200.</summary>
    public int Queue { get; init; } = 200;

    /// <summary><c>GATEWAY_MAX_BODY</c>: bytes of a JSON body. Default: 32 MiB.</summary>
    public long MaxBodyBytes { get; init; } = 32L << 20;

    /// <summary><c>GATEWAY_MAX_UPLOAD</c>: bytes of a passed-through body. Default: 512 MiB.</summary>
    public long MaxUploadBytes { get; init; } = 512L << 20;

    /// <summary><c>GATEWAY_ANNOUNCE_SECONDS</c>: time between "not ready" and refusing. Default: 0.</summary>
    public TimeSpan AnnounceTime { get; init; }

    /// <summary><c>GATEWAY_DRAIN_SECONDS</c>: time that streams may run on. Default: 300.</summary>
    public TimeSpan DrainTime { get; init; } = TimeSpan.FromSeconds(300);

    /// <summary><c>GATEWAY_CORS_ORIGINS</c>, comma-separated. Default: none.</summary>
    public IReadOnlyList<string> CorsOrigins { get; init; } = [];

    /// <summary><c>DATABASE_URL</c>. Default: <c>sqlite:data/gateway.db</c>.</summary>
    public string DatabaseUrl { get; init; } = "sqlite:data/gateway.db";

    /// <summary><c>REDIS_URL</c>. Default: none, state in process.</summary>
    public string? RedisUrl { get; init; }

    /// <summary><c>HISTORY_RETENTION_DAYS</c>; 0: no text is stored. Default: 30.</summary>
    public int HistoryRetentionDays { get; init; } = 30;

    /// <summary><c>LLM_DEBUG</c>. Default: false.</summary>
    public bool IsDebug { get; init; }

    /// <summary><c>LLM_LOG_CONTENT</c>: the text of requests and answers in the log. Default: false.</summary>
    public bool LogsContent { get; init; }

    /// <summary><c>OTEL_EXPORTER_OTLP_TRACES_ENDPOINT</c>, else <c>OTEL_EXPORTER_OTLP_ENDPOINT</c>. Default: none, no export.</summary>
    public Uri? OtlpEndpoint { get; init; }

    /// <summary>OpenTelemetry's own variables (<c>OTEL_…</c>) as far as they are set. Default: none.</summary>
    public IReadOnlyDictionary<string, string> OpenTelemetry { get; init; } = FrozenDictionary<string, string>.Empty;

    /// <summary>Whether the process runs in a container (<c>DOTNET_RUNNING_IN_CONTAINER</c>).</summary>
    public bool IsInContainer { get; init; }

    public required ConfigFileLocation AgentsFile { get; init; }

    public required ConfigFileLocation SettingsFile { get; init; }

    public required ConfigFileLocation KeysFile { get; init; }

    /// <summary><c>GATEWAY_API_KEYS</c>: <c>name:key</c> pairs. Default: none.</summary>
    public IReadOnlyList<ClientSecret> ClientKeys { get; init; } = [];

    /// <summary>The key that a container made for itself, see <see cref="ContainerKey"/>.</summary>
    public string? GeneratedKey { get; init; }

    public LlmDefaults Llm { get; init; } = new();

    /// <summary>It holds secrets: only the environment is shown.</summary>
    public override string ToString() => $"{nameof(HostSettings)} {Environment}";
}
