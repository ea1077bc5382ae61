using System.Globalization;

namespace LlmGateway.FunctionalTests.Infrastructure;

/// <summary>A span as a collector got it (field numbers: OTLP's <c>trace.proto</c>).</summary>
internal sealed class ReceivedSpan
{
    public ReceivedSpan(ProtobufMessage span, ProtobufMessage resource)
    {
        TraceId = span.Hex(1);
        SpanId = span.Hex(2);
        ParentId = span.Hex(4);
        Name = span.Text(5);
        Kind = (int)span.Number(6);
        Duration = TimeSpan.FromMicroseconds((span.Number(8) - span.Number(7)) / 1000d);
        Start = span.Number(7);
        End = span.Number(8);
        Attributes = Read(span.Messages(9));
        Events = [.. span.Messages(11).Select(wireEvent => wireEvent.Text(2))];
        IsError = span.Messages(15).Any(status => status.Number(3) == 2);
        Resource = Read(resource.Messages(1));
    }

    public string TraceId { get; }

    public string SpanId { get; }

    /// <summary>Empty for a root.</summary>
    public string ParentId { get; }

    public string Name { get; }

    /// <summary>2: server, 3: client.</summary>
    public int Kind { get; }

    public ulong Start { get; }

    public ulong End { get; }

    public TimeSpan Duration { get; }

    public IReadOnlyDictionary<string, string> Attributes { get; }

    public IReadOnlyList<string> Events { get; }

    public bool IsError { get; }

    /// <summary>What is known of the process that made it.</summary>
    public IReadOnlyDictionary<string, string> Resource { get; }

    /// <summary>An attribute as text; null where there is none.</summary>
    public string? this[string attribute] => Attributes.GetValueOrDefault(attribute);

    /// <summary>The spans of one <c>ExportTraceServiceRequest</c>.</summary>
    public static IEnumerable<ReceivedSpan> ReadAll(ReadOnlyMemory<byte> export) =>
        from resourceSpans in new ProtobufMessage(export).Messages(1)
        from scope in resourceSpans.Messages(2)
        from span in scope.Messages(2)
        select new ReceivedSpan(span, resourceSpans.Messages(1).Single());

    private static Dictionary<string, string> Read(IEnumerable<ProtobufMessage> attributes) =>
        attributes.ToDictionary(attribute => attribute.Text(1), attribute => Text(attribute.Messages(2).Single()), StringComparer.Ordinal);

    private static string Text(ProtobufMessage value) =>
        value.Has(1) ? value.Text(1)
        : value.Has(2) ? (value.Number(2) != 0 ? "true" : "false")
        : value.Has(3) ? ((long)value.Number(3)).ToString(CultureInfo.InvariantCulture)
        : value.Has(4) ? BitConverter.UInt64BitsToDouble(value.Number(4)).ToString(CultureInfo.InvariantCulture)
        : "";
}
