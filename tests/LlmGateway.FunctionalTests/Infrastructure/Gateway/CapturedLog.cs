using System.Collections.Concurrent;
using System.Globalization;
using Microsoft.Extensions.Logging;

namespace LlmGateway.FunctionalTests.Infrastructure;

/// <summary>Every log line of one gateway, exceptions and properties included, kept for the test to look at.</summary>
internal sealed class CapturedLog : ILoggerProvider
{
    private readonly ConcurrentQueue<LogLine> _lines = new();

    public IReadOnlyList<LogLine> Lines => [.. _lines];

    /// <summary>All of it as one text, for searching.</summary>
    public string Text => string.Join('\n', _lines.Select(line => line.ToString()));

    public Task<LogLine> WaitForAsync(Func<LogLine, bool> wanted, string what) =>
        WaitForFirstAsync(() => _lines.FirstOrDefault(wanted), what);

    public ILogger CreateLogger(string categoryName) => new Logger(categoryName, _lines);

    public void Dispose()
    {
    }

    private static async Task<LogLine> WaitForFirstAsync(Func<LogLine?> find, string what)
    {
        await Eventually.TrueAsync(() => find() is not null, what);
        return find()!;
    }

    private sealed class Logger(string category, ConcurrentQueue<LogLine> lines) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel != LogLevel.None;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            var properties = state is IEnumerable<KeyValuePair<string, object?>> pairs
                ? string.Join(' ', pairs.Select(pair => string.Create(CultureInfo.InvariantCulture, $"{pair.Key}={pair.Value}")))
                : "";
            lines.Enqueue(new LogLine(logLevel, category, eventId.Id, formatter(state, exception), properties, exception));
        }
    }
}
