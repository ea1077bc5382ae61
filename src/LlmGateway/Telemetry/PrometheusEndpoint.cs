using System.IO.Pipelines;
using Microsoft.Net.Http.Headers;

namespace LlmGateway.Telemetry;

/// <summary>Answers a scrape: all metrics as text, in the format that the scraper prefers.</summary>
public static class PrometheusEndpoint
{
    private const string Text = "text/plain; version=0.0.4; charset=utf-8";
    private const string OpenMetrics = "application/openmetrics-text; version=1.0.0; charset=utf-8";

    public static IEndpointConventionBuilder MapPrometheus(this IEndpointRouteBuilder endpoints)
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        var metrics = endpoints.ServiceProvider.GetRequiredService<GatewayMetrics>();
        var framework = endpoints.ServiceProvider.GetRequiredService<FrameworkMetrics>();
        return endpoints.MapGet("/metrics", context => WriteAsync(context, metrics, framework)).ExcludeFromDescription();
    }

    private static async Task WriteAsync(HttpContext context, GatewayMetrics metrics, FrameworkMetrics framework)
    {
        var isOpenMetrics = PrefersOpenMetrics(context.Request.Headers.Accept);
        context.Response.ContentType = isOpenMetrics ? OpenMetrics : Text;
        Write(context.Response.BodyWriter, metrics, framework, isOpenMetrics);
        await context.Response.BodyWriter.FlushAsync(context.RequestAborted);
    }

    private static void Write(PipeWriter output, GatewayMetrics metrics, FrameworkMetrics framework, bool isOpenMetrics)
    {
        var writer = new PrometheusWriter(output, isOpenMetrics);
        foreach (var family in metrics.Families)
        {
            family.WriteTo(writer);
        }

        framework.WriteTo(writer);
        writer.End();
    }

    internal static bool PrefersOpenMetrics(IList<string?> accept)
    {
        if (!MediaTypeHeaderValue.TryParseList([.. accept.OfType<string>()], out var types))
        {
            return false;
        }

        double open = 0, other = 0;
        foreach (var type in types)
        {
            ref var best = ref type.MediaType.Equals("application/openmetrics-text", StringComparison.OrdinalIgnoreCase) ? ref open : ref other;
            best = Math.Max(best, type.Quality ?? 1);
        }

        return open > 0 && open >= other;
    }
}
