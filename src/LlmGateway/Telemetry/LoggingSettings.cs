namespace LlmGateway.Telemetry;

/// <summary>What the operator chose for logs.</summary>
public sealed record LoggingSettings
{
    /// <summary><c>LLM_DEBUG</c>: debug lines of the gateway itself. Default false.</summary>
    public bool IsDebug { get; init; }

    /// <summary><c>LOG_FORMAT</c>: <c>json</c> or <c>text</c>. Default: text on a terminal, JSON otherwise.</summary>
    public LogFormat Format { get; init; } = DefaultFormat;

    /// <summary>Where lines go; null: standard output.</summary>
    public Stream? Output { get; init; }

    private static LogFormat DefaultFormat => Console.IsOutputRedirected ? LogFormat.Json : LogFormat.Text;

    /// <summary>Reads the settings by name; an unknown format counts as unset.</summary>
    public static LoggingSettings From(Func<string, string?> variable)
    {
        ArgumentNullException.ThrowIfNull(variable);
        return new()
        {
            IsDebug = variable("LLM_DEBUG") is { } debug && (debug == "1" || debug.Equals("true", StringComparison.OrdinalIgnoreCase)),
            Format = Enum.TryParse<LogFormat>(variable("LOG_FORMAT"), ignoreCase: true, out var format) && Enum.IsDefined(format) ? format : DefaultFormat,
        };
    }
}
