using System.Buffers;
using System.Text;
using LlmGateway.Telemetry;

namespace LlmGateway.Tests.Usage;

/// <summary>What a scrape would show.</summary>
internal static class Metrics
{
    public static string Of(GatewayMetrics metrics)
    {
        var buffer = new ArrayBufferWriter<byte>();
        foreach (var family in metrics.Families)
        {
            family.WriteTo(new PrometheusWriter(buffer, isOpenMetrics: false));
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }
}
