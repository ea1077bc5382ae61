using System.Globalization;
using System.Text;
using Serilog.Events;
using Serilog.Parsing;

namespace LlmGateway.Telemetry;

/// <summary>A Serilog event as a log line: message filled in, properties in snake_case, the exception last.</summary>
internal sealed class SerilogLine(LogEvent entry) : ILogLine
{
    private static readonly LogField EventId = new("event_id");
    private static readonly LogField EventName = new("name");
    private static readonly LogField Category = new("category");
    private static readonly LogField Trace = new("trace_id");
    private static readonly LogField Error = new("exception");

    public void WriteTo(LogLineWriter writer)
    {
        writer.Begin(entry.Timestamp, LevelOf(entry.Level), Message());
        foreach (var (name, value) in entry.Properties)
        {
            switch (name)
            {
                case "EventId" when value is StructureValue id:
                    WriteEventId(writer, id);
                    break;
                case "SourceContext":
                    Write(writer, Category, value);
                    break;
                default:
                    Write(writer, LogField.Of(name), value);
                    break;
            }
        }

        if (entry.TraceId is { } trace && trace != default)
        {
            writer.Property(Trace, trace.ToHexString());
        }

        if (entry.Exception is { } exception)
        {
            writer.Property(Error, exception.ToString());
        }

        writer.End();
    }

    private static void WriteEventId(LogLineWriter writer, StructureValue id)
    {
        foreach (var part in id.Properties)
        {
            Write(writer, part.Name == "Id" ? EventId : EventName, part.Value);
        }
    }

    private static void Write(LogLineWriter writer, LogField field, LogEventPropertyValue value)
    {
        switch ((value as ScalarValue)?.Value)
        {
            case null when value is ScalarValue:
                writer.Property(field, (string?)null);
                break;
            case string text:
                writer.Property(field, text);
                break;
            case bool truth:
                writer.Property(field, truth);
                break;
            case int or long or short or byte or uint or ushort or sbyte:
                writer.Property(field, Convert.ToInt64(((ScalarValue)value).Value, CultureInfo.InvariantCulture));
                break;
            case double or float or decimal:
                writer.Property(field, Convert.ToDouble(((ScalarValue)value).Value, CultureInfo.InvariantCulture));
                break;
            default:
                writer.Property(field, Plain(value));
                break;
        }
    }

    /// <summary>The template with its values, strings without the quotes that Serilog puts around them.</summary>
    private string Message()
    {
        var message = new StringBuilder();
        foreach (var token in entry.MessageTemplate.Tokens)
        {
            if (token is PropertyToken { Format: null } property && entry.Properties.TryGetValue(property.PropertyName, out var value))
            {
                message.Append(Plain(value));
            }
            else
            {
                using var text = new StringWriter(message, CultureInfo.InvariantCulture);
                token.Render(entry.Properties, text, CultureInfo.InvariantCulture);
            }
        }

        return message.ToString();
    }

    private static string Plain(LogEventPropertyValue value) => value is ScalarValue scalar
        ? Convert.ToString(scalar.Value, CultureInfo.InvariantCulture) ?? "null"
        : value.ToString("l", CultureInfo.InvariantCulture);

    private static LogLevel LevelOf(LogEventLevel level) => level switch
    {
        LogEventLevel.Verbose => LogLevel.Trace,
        LogEventLevel.Debug => LogLevel.Debug,
        LogEventLevel.Information => LogLevel.Information,
        LogEventLevel.Warning => LogLevel.Warning,
        LogEventLevel.Error => LogLevel.Error,
        _ => LogLevel.Critical,
    };
}
