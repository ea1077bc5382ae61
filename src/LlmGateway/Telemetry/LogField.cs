using System.Collections.Concurrent;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace LlmGateway.Telemetry;

/// <summary>A property's name in the log, snake_case and encoded once.</summary>
internal sealed class LogField
{
    /// <summary>Names come from message templates, which are constants; this bounds what breaks the rule.</summary>
    private const int MaxKnown = 1_000;

    /// <summary>Leaves other scripts readable; still escapes control and format-breaking characters (also U+007F, U+0085, U+2028, U+2029).</summary>
    public static readonly JavaScriptEncoder Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping;

    /// <summary>What a line says of itself: a property of the same name (YARP's <c>{message}</c>) would stand there twice.</summary>
    private static readonly string[] Reserved = ["time", "level", "message", "event_id", "name", "category", "trace_id", "exception"];

    private static readonly ConcurrentDictionary<string, LogField> Known = new(StringComparer.Ordinal);

    public LogField(string name)
    {
        Name = name;
        Json = JsonEncodedText.Encode(name, Encoder);
    }

    public string Name { get; }

    public JsonEncodedText Json { get; }

    /// <summary>The field of a message template's property (<c>RequestId</c> → <c>request_id</c>).</summary>
    public static LogField Of(string property)
    {
        if (Known.TryGetValue(property, out var field))
        {
            return field;
        }

        var name = JsonNamingPolicy.SnakeCaseLower.ConvertName(property);
        field = new(Reserved.Contains(name) ? name + "_" : name);
        return Known.Count < MaxKnown ? Known.GetOrAdd(property, field) : field;
    }
}
