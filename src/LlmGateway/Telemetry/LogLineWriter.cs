using System.Buffers;

namespace LlmGateway.Telemetry;

/// <summary>
/// Builds log lines as UTF-8 in a buffer. Whatever the values hold, a line stays one line and no control character comes out raw:
/// a prompt's or a header's escape sequences must not reach a terminal, nor its line breaks forge entries.
/// </summary>
internal abstract class LogLineWriter
{
    private readonly ArrayBufferWriter<byte> _lines = new(64 * 1024);

    /// <summary>The line being built: one that throws half-way leaves nothing behind.</summary>
    protected ArrayBufferWriter<byte> Line { get; } = new(4 * 1024);

    public int Length => _lines.WrittenCount;

    /// <summary>The finished lines.</summary>
    public ReadOnlySpan<byte> Written => _lines.WrittenSpan;

    public static LogLineWriter Create(LogFormat format) => format == LogFormat.Json ? new JsonLogLineWriter() : new TextLogLineWriter();

    public void Clear() => _lines.ResetWrittenCount();

    public virtual void Begin(DateTimeOffset time, LogLevel level, string message) => Line.ResetWrittenCount();

    public abstract void Property(LogField field, string? value);

    public abstract void Property(LogField field, long value);

    public abstract void Property(LogField field, double value);

    public abstract void Property(LogField field, bool value);

    public virtual void End()
    {
        _lines.Write(Line.WrittenSpan);
        _lines.Write("\n"u8);
    }
}
