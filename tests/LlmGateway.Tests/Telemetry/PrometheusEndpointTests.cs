using LlmGateway.Telemetry;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;

namespace LlmGateway.Tests.Telemetry;

public sealed class PrometheusEndpointTests
{
    [Theory]
    [InlineData("text/plain", "text/plain", false)]
    [InlineData("application/openmetrics-text", "application/openmetrics-text", true)]
    public async Task Scrape_Accept_AnswersInThatFormat(string accept, string type, bool hasEnd)
    {
        var builder = WebApplication.CreateSlimBuilder();
        using var output = new MemoryStream();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Services.AddTelemetry(new LoggingSettings { Output = output });
        await using var app = builder.Build();
        app.MapPrometheus();
        await app.StartAsync(TestContext.Current.CancellationToken);
        app.Services.GetRequiredService<GatewayMetrics>().ConfigReload("settings", "rejected");
        using var client = new HttpClient();
        client.DefaultRequestHeaders.Add("Accept", accept);

        using var response = await client.GetAsync(new Uri(app.Urls.Single() + "/metrics"), TestContext.Current.CancellationToken);
        var text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);

        Assert.Equal(type, response.Content.Headers.ContentType?.MediaType);
        Assert.Contains("llm_gateway_config_reloads_total{file=\"settings\",result=\"rejected\"} 1\n", text, StringComparison.Ordinal);
        Assert.Contains("dotnet_gc_collections_total{", text, StringComparison.Ordinal);
        Assert.Contains("kestrel_active_connections{", text, StringComparison.Ordinal);
        Assert.Contains("http_server_active_requests{http_request_method=\"GET\"} ", text, StringComparison.Ordinal);
        Assert.Contains("http_client_active_requests{http_request_method=\"GET\",server_address=\"127.0.0.1\",server_port=", text, StringComparison.Ordinal);
        Assert.Contains("# TYPE dotnet_thread_pool_thread_count gauge\n", text, StringComparison.Ordinal);
        Assert.Equal(hasEnd, text.EndsWith("# EOF\n", StringComparison.Ordinal));
    }
}
