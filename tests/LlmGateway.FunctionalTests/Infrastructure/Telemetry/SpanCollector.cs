using System.Collections.Concurrent;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;

namespace LlmGateway.FunctionalTests.Infrastructure;

/// <summary>An OTLP collector on loopback that keeps the spans it is sent, over HTTP or over gRPC.</summary>
internal sealed class SpanCollector : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly ConcurrentQueue<ReceivedSpan> _spans = new();
    private readonly ConcurrentQueue<string> _bodies = new();
    private readonly ConcurrentQueue<string> _keys = new();

    private SpanCollector(bool isGrpc)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.ConfigureEndpointDefaults(endpoint => endpoint.Protocols = isGrpc ? HttpProtocols.Http2 : HttpProtocols.Http1));
        _app = builder.Build();
        _app.Urls.Add("http://127.0.0.1:0");
        _app.MapPost("/v1/traces", ReceiveAsync);
        _app.MapPost("/opentelemetry.proto.collector.trace.v1.TraceService/Export", ReceiveCallAsync);
    }

    public string BaseUrl => _app.Urls.First();

    /// <summary>All bytes received, as Latin-1: for searching.</summary>
    public string AllText => string.Concat(_bodies);

    /// <summary>Values of the header <c>x-collector-key</c>.</summary>
    public IReadOnlyCollection<string> Keys => _keys;

    public static async Task<SpanCollector> StartAsync(bool isGrpc = false)
    {
        var collector = new SpanCollector(isGrpc);
        await collector._app.StartAsync();
        return collector;
    }

    /// <summary>The spans of one trace, by their start: parents come before their children.</summary>
    public IReadOnlyList<ReceivedSpan> Trace(string traceId) => [.. _spans.Where(span => span.TraceId == traceId).OrderBy(span => span.Start).ThenBy(span => span.Kind)];

    public async Task<IReadOnlyList<ReceivedSpan>> WaitForTraceAsync(string traceId, int spans)
    {
        await Eventually.TrueAsync(() => Trace(traceId).Count >= spans, $"{spans} spans of the trace");
        return Trace(traceId);
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private async Task ReceiveAsync(HttpContext context)
    {
        Assert.Equal("application/x-protobuf", context.Request.ContentType);
        Keep(context, await ReadAsync(context));
        context.Response.ContentType = "application/x-protobuf";
    }

    private async Task ReceiveCallAsync(HttpContext context)
    {
        // One message: a byte that says whether it is compressed, four of its length.
        Keep(context, (await ReadAsync(context)).AsMemory(5));
        context.Response.ContentType = "application/grpc";
        await context.Response.Body.WriteAsync(new byte[5], context.RequestAborted);
        context.Response.AppendTrailer("grpc-status", "0");
    }

    private void Keep(HttpContext context, ReadOnlyMemory<byte> export)
    {
        _bodies.Enqueue(System.Text.Encoding.Latin1.GetString(export.Span));
        _keys.Enqueue(context.Request.Headers["x-collector-key"].ToString());
        foreach (var span in ReceivedSpan.ReadAll(export))
        {
            _spans.Enqueue(span);
        }
    }

    private static async Task<byte[]> ReadAsync(HttpContext context)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body, context.RequestAborted);
        return body.ToArray();
    }
}
