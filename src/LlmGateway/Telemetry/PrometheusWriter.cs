using System.Buffers;
using System.Globalization;
using System.Text;

namespace LlmGateway.Telemetry;

/// <summary>Writes the Prometheus text format 0.0.4, or OpenMetrics 1.0, as UTF-8 straight into a buffer.</summary>
internal sealed class PrometheusWriter(IBufferWriter<byte> output, bool isOpenMetrics)
{
    private const string TotalSuffix = "_total";

    public void Family(string name, string help, PrometheusType type)
    {
        // In OpenMetrics a counter's family has no suffix, only its sample has.
        var family = isOpenMetrics && type == PrometheusType.Counter && name.EndsWith(TotalSuffix, StringComparison.Ordinal)
            ? name.AsSpan(0, name.Length - TotalSuffix.Length)
            : name;
        Put("# HELP "u8);
        Put(family);
        Put(" "u8);
        PutEscaped(help, quotes: isOpenMetrics);
        Put("\n# TYPE "u8);
        Put(family);
        Put(type switch
        {
            PrometheusType.Counter => " counter\n"u8,
            PrometheusType.Gauge => " gauge\n"u8,
            _ => " histogram\n"u8,
        });
    }

    public void Sample(string name, IReadOnlyList<string> labels, in LabelValues values, long value)
    {
        Series(name, default, labels, values, le: default);
        Put(value);
        Put("\n"u8);
    }

    public void Sample(string name, IReadOnlyList<string> labels, in LabelValues values, double value)
    {
        Series(name, default, labels, values, le: default);
        Put(value);
        Put("\n"u8);
    }

    /// <param name="name">The family's name.</param>
    /// <param name="labels">Names of the labels.</param>
    /// <param name="values">Their values.</param>
    /// <param name="bounds">Upper bounds, ascending, without the infinite one.</param>
    /// <param name="counts">Counts of the single buckets, the infinite one last.</param>
    /// <param name="sum">Sum of what was measured.</param>
    /// <param name="exemplars">One for each bucket or none at all; only OpenMetrics has a place for them.</param>
    public void Histogram(
        string name, IReadOnlyList<string> labels, in LabelValues values, ReadOnlySpan<double> bounds, ReadOnlySpan<long> counts, double sum, ReadOnlySpan<Exemplar?> exemplars = default)
    {
        Span<byte> le = stackalloc byte[32];
        var total = 0L;
        for (var i = 0; i < counts.Length; i++)
        {
            total += counts[i];
            Series(name, "_bucket"u8, labels, values, i < bounds.Length ? le[..FormatBound(bounds[i], le)] : "+Inf"u8);
            Put(total);
            if (isOpenMetrics && !exemplars.IsEmpty && exemplars[i] is { } exemplar)
            {
                Put(" # {trace_id=\""u8);
                Put(exemplar.TraceId);
                Put("\"} "u8);
                Put(exemplar.Value.TotalSeconds);
            }

            Put("\n"u8);
        }

        Series(name, "_sum"u8, labels, values, le: default);
        Put(sum);
        Put("\n"u8);
        Series(name, "_count"u8, labels, values, le: default);
        Put(total);
        Put("\n"u8);
    }

    public void End()
    {
        if (isOpenMetrics)
        {
            Put("# EOF\n"u8);
        }
    }

    private void Series(string name, ReadOnlySpan<byte> suffix, IReadOnlyList<string> labels, in LabelValues values, ReadOnlySpan<byte> le)
    {
        Put(name);
        Put(suffix);
        var separator = "{"u8;
        for (var i = 0; i < labels.Count; i++)
        {
            Put(separator);
            Put(labels[i]);
            Put("=\""u8);
            PutEscaped(values[i], quotes: true);
            Put("\""u8);
            separator = ","u8;
        }

        if (!le.IsEmpty)
        {
            Put(separator);
            Put("le=\""u8);
            Put(le);
            Put("\""u8);
            separator = ","u8;
        }

        Put(separator[0] == (byte)'{' ? " "u8 : "} "u8);
    }

    /// <summary>OpenMetrics wants a bound to look like a float (<c>1.0</c>), the older format writes <c>1</c>.</summary>
    private int FormatBound(double bound, Span<byte> le)
    {
        bound.TryFormat(le, out var length, default, CultureInfo.InvariantCulture);
        if (isOpenMetrics && !le[..length].ContainsAny((byte)'.', (byte)'E'))
        {
            ".0"u8.CopyTo(le[length..]);
            length += 2;
        }

        return length;
    }

    private void PutEscaped(string? value, bool quotes)
    {
        var rest = value.AsSpan();
        while (!rest.IsEmpty)
        {
            var special = quotes ? rest.IndexOfAny('\\', '\n', '"') : rest.IndexOfAny('\\', '\n');
            if (special < 0)
            {
                Put(rest);
                return;
            }

            Put(rest[..special]);
            Put(rest[special] switch
            {
                '\\' => "\\\\"u8,
                '\n' => "\\n"u8,
                _ => "\\\""u8,
            });
            rest = rest[(special + 1)..];
        }
    }

    private void Put(ReadOnlySpan<byte> bytes) => output.Write(bytes);

    private void Put(ReadOnlySpan<char> text) => Encoding.UTF8.GetBytes(text, output);

    private void Put(long value)
    {
        Span<byte> buffer = stackalloc byte[24];
        value.TryFormat(buffer, out var length, default, CultureInfo.InvariantCulture);
        Put(buffer[..length]);
    }

    private void Put(double value)
    {
        if (!double.IsFinite(value))
        {
            Put(double.IsNaN(value) ? "NaN"u8 : value > 0 ? "+Inf"u8 : "-Inf"u8);
            return;
        }

        Span<byte> buffer = stackalloc byte[32];
        value.TryFormat(buffer, out var length, default, CultureInfo.InvariantCulture);
        Put(buffer[..length]);
    }
}
