using System.Text;
using System.Text.Json;
using LlmGateway.Api;
using LlmGateway.Configuration;
using LlmGateway.Model;
using LlmGateway.ModelTests;
using LlmGateway.Providers.Wire;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Net.Http.Headers;

namespace LlmGateway.Admin;

/// <summary><c>POST /admin/model-tests</c>: runs the model tests with the snapshot in force, and answers when they have ended. One run at a time; the next waits.</summary>
internal sealed class ModelTestsEndpoint(ModelTestRunner runner, HostSettings settings) : IDisposable
{
    private const string Markdown = "text/markdown";

    private readonly SemaphoreSlim _turn = new(1, 1);

    public async Task HandleAsync(HttpContext context)
    {
        var config = RequestScope.Of(context).Config;
        var (provider, error) = await ReadAsync(context, config);
        if (error is not null)
        {
            await ErrorWriter.WriteAsync(context, error);
            return;
        }

        await _turn.WaitAsync(context.RequestAborted);
        try
        {
            var report = await runner.RunAsync(config, provider, static (_, _) => { }, context.RequestAborted);
            var isMarkdown = WantsMarkdown(context.Request.Headers.Accept);
            await Results.Text(isMarkdown ? MarkdownReport.Write(report) : JsonReport.Write(report), isMarkdown ? Markdown : "application/json", Encoding.UTF8).ExecuteAsync(context);
        }
        finally
        {
            _turn.Release();
        }
    }

    public void Dispose() => _turn.Dispose();

    private static bool WantsMarkdown(Microsoft.Extensions.Primitives.StringValues accept) =>
        MediaTypeHeaderValue.TryParseList(accept, out var types) && types.Any(type => type.MediaType.Equals(Markdown, StringComparison.OrdinalIgnoreCase) && type.Quality is not 0);

    /// <summary>The body may be left out.</summary>
    private async ValueTask<(string? Provider, GatewayError? Error)> ReadAsync(HttpContext context, GatewayConfig config)
    {
        if (context.Request.ContentLength == 0 || context.Features.Get<IHttpRequestBodyDetectionFeature>() is { CanHaveBody: false })
        {
            return default;
        }

        var (body, error) = await RequestBody.ReadJsonAsync(context.Request, settings.MaxBodyBytes, context.RequestAborted);
        return error is null ? Read(body, config) : (null, error);
    }

    private static (string? Provider, GatewayError? Error) Read(ReadOnlyMemory<byte> body, GatewayConfig config)
    {
        if (RequestScanner.CheckObject(body.Span) is { } malformed)
        {
            return (null, malformed);
        }

        using var document = JsonDocument.Parse(body, OpenAiJson.Reading);
        var members = new BodyMembers(document.RootElement, "provider");
        var provider = members.Text("provider");
        if (members.Error is { } error)
        {
            return (null, error);
        }

        return provider is null || ModelTestRunner.Choose(config, provider).Count > 0
            ? (provider, null)
            : (null, GatewayError.InvalidValue("provider", "No model of this provider is configured."));
    }
}
