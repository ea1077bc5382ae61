using System.Text;

namespace LlmGateway.Telemetry;

/// <summary>OpenTelemetry's rules for Prometheus names: dots become underscores, the unit follows, a counter ends in <c>_total</c>.</summary>
internal static class PrometheusName
{
    public static string Of(string name, string? unit, PrometheusType type)
    {
        var result = new StringBuilder(name.Replace('.', '_'));
        result.Append(unit switch
        {
            "s" => "_seconds",
            "By" => "_bytes",
            _ => "",
        });
        return result.Append(type == PrometheusType.Counter ? "_total" : "").ToString();
    }
}
