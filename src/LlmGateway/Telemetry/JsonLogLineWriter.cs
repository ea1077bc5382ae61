using System.Text.Json;

namespace LlmGateway.Telemetry;

/// <summary>Log lines as JSON objects: <c>time</c>, <c>level</c>, <c>message</c>, then the properties.</summary>
#pragma warning disable CA1001 // Over a buffer the JSON writer holds nothing to dispose.
internal sealed class JsonLogLineWriter : LogLineWriter
#pragma warning restore CA1001
{
    private static readonly JsonEncodedText Time = JsonEncodedText.Encode("time");
    private static readonly JsonEncodedText Level = JsonEncodedText.Encode("level");
    private static readonly JsonEncodedText Message = JsonEncodedText.Encode("message");
    private static readonly JsonEncodedText[] Levels =
        [.. new[] { "trace", "debug", "information", "warning", "error", "critical", "none" }.Select(level => JsonEncodedText.Encode(level))];

    private readonly Utf8JsonWriter _json;

    public JsonLogLineWriter()
    {
        _json = new(Line, new JsonWriterOptions { Encoder = LogField.Encoder, SkipValidation = true });
    }

    public override void Begin(DateTimeOffset time, LogLevel level, string message)
    {
        base.Begin(time, level, message);
        _json.Reset();
        _json.WriteStartObject();
        _json.WriteString(Time, time.UtcDateTime);
        _json.WriteString(Level, Levels[(int)level]);
        _json.WriteString(Message, message);
    }

    public override void Property(LogField field, string? value) => _json.WriteString(field.Json, value);

    public override void Property(LogField field, long value) => _json.WriteNumber(field.Json, value);

    public override void Property(LogField field, double value)
    {
        if (double.IsFinite(value))
        {
            _json.WriteNumber(field.Json, value);
        }
        else
        {
            _json.WriteNull(field.Json);
        }
    }

    public override void Property(LogField field, bool value) => _json.WriteBoolean(field.Json, value);

    public override void End()
    {
        _json.WriteEndObject();
        _json.Flush();
        base.End();
    }
}
