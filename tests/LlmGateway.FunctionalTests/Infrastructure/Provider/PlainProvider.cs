using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace LlmGateway.FunctionalTests.Infrastructure;

/// <summary>A healthy OpenAI-compatible provider that keeps nothing of its requests: for tests of the gateway's own memory and time.</summary>
internal sealed class PlainProvider : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly Func<int, TimeSpan>? _latency;
    private int _answered;

    /// <param name="latency">How long it takes for the answer of a number, from 1 on; null: no time.</param>
    public PlainProvider(Func<int, TimeSpan>? latency = null)
    {
        _latency = latency;
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        _app = builder.Build();
        _app.Urls.Add("http://127.0.0.1:0");
        _app.MapPost("/v1/chat/completions", AnswerAsync);
        _app.StartAsync().GetAwaiter().GetResult();
    }

    public string BaseUrl => _app.Urls.First();

    public int Answered => Volatile.Read(ref _answered);

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private async Task AnswerAsync(HttpContext context)
    {
        using var reader = new StreamReader(context.Request.Body);
        var isStreaming = (await reader.ReadToEndAsync(context.RequestAborted)).Contains("\"stream\":true", StringComparison.Ordinal);
        var number = Interlocked.Increment(ref _answered);
        if (_latency is not null)
        {
            // The latency that is asked for: it waits for nothing.
            await Task.Delay(_latency(number), TimeProvider.System, context.RequestAborted);
        }

        context.Response.ContentType = isStreaming ? "text/event-stream" : "application/json";
        var text = isStreaming
            ? string.Concat(new[] { OpenAiReplies.RoleChunk(), OpenAiReplies.ContentChunk("Well met"), OpenAiReplies.FinishChunk(), OpenAiReplies.UsageChunk(), "[DONE]" }.Select(data => $"data: {data}\n\n"))
            : OpenAiReplies.Completion("Well met");
        await context.Response.Body.WriteAsync(Encoding.UTF8.GetBytes(text), context.RequestAborted);
    }
}
