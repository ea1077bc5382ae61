using System.Globalization;
using System.Text;

namespace LlmGateway.Telemetry;

/// <summary>Log lines for a terminal: time, level, message, then <c>name=value</c>.</summary>
internal sealed class TextLogLineWriter : LogLineWriter
{
    private static readonly string[] Levels = ["TRC", "DBG", "INF", "WRN", "ERR", "CRT", "---"];

    public override void Begin(DateTimeOffset time, LogLevel level, string message)
    {
        base.Begin(time, level, message);
        Put(time.UtcDateTime.ToString("HH:mm:ss.fff", CultureInfo.InvariantCulture));
        Put(" ");
        Put(Levels[(int)level]);
        Put(" ");
        PutEscaped(message);
    }

    public override void Property(LogField field, string? value)
    {
        Name(field);
        PutEscaped(value);
    }

    public override void Property(LogField field, long value)
    {
        Name(field);
        Put(value.ToString(CultureInfo.InvariantCulture));
    }

    public override void Property(LogField field, double value)
    {
        Name(field);
        Put(value.ToString(CultureInfo.InvariantCulture));
    }

    public override void Property(LogField field, bool value)
    {
        Name(field);
        Put(value ? "true" : "false");
    }

    private void Name(LogField field)
    {
        Put(" ");
        PutEscaped(field.Name);
        Put("=");
    }

    private void PutEscaped(ReadOnlySpan<char> text)
    {
        Span<char> escape = stackalloc char[6];
        while (!text.IsEmpty)
        {
            var safe = 0;
            while (safe < text.Length && !NeedsEscape(text[safe]))
            {
                safe++;
            }

            Put(text[..safe]);
            if (safe == text.Length)
            {
                return;
            }

            switch (text[safe])
            {
                case '\n':
                    Put("\\n");
                    break;
                case '\r':
                    Put("\\r");
                    break;
                case '\t':
                    Put("\\t");
                    break;
                default:
                    escape.TryWrite(CultureInfo.InvariantCulture, $"\\u{(int)text[safe]:X4}", out _);
                    Put(escape);
                    break;
            }

            text = text[(safe + 1)..];
        }
    }

    private static bool NeedsEscape(char c) => char.IsControl(c)
        || CharUnicodeInfo.GetUnicodeCategory(c) is UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator or UnicodeCategory.Format;

    /// <summary>A lone surrogate becomes U+FFFD.</summary>
    private void Put(ReadOnlySpan<char> text) => Encoding.UTF8.GetBytes(text, Line);
}
