using System.Text;
using System.Text.Json;
using LlmGateway.Api;
using LlmGateway.Configuration;
using LlmGateway.Model;
using LlmGateway.ModelTests;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Net.Http.Headers;

namespace LlmGateway.Admin;

/// <summary><c>POST /admin/model-tests</c>: runs the model tests with the snapshot in force, and answers when they have ended. One run at a time; the next waits.</summary>
internal sealed class ModelTestsEndpoint(ModelTestRunner runner, HostSettings settings) : IDisposable
{
    private const string Markdown = "text/markdown";

    private static readonly JsonDocumentOptions Strict = new() { MaxDepth = 64, AllowDuplicateProperties = false };

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
        try
        {
            using var document = JsonDocument.Parse(body, Strict);
            if (document.RootElement.ValueKind != JsonValueKind.Object)
            {
                return (null, GatewayError.Invalid(ErrorCodes.InvalidJson, "The request body must be a JSON object."));
            }

            string? provider = null;
            foreach (var member in document.RootElement.EnumerateObject())
            {
                if (member.Name != "provider")
                {
                    var shown = ShortName.Of(member.Name);
                    return (null, GatewayError.InvalidValue(shown, $"Unknown member '{shown}'; known ones: provider."));
                }

                if (member.Value.ValueKind is not (JsonValueKind.String or JsonValueKind.Null))
                {
                    return (null, GatewayError.InvalidValue("provider", "Invalid type for 'provider': expected a string."));
                }

                provider = member.Value.GetString();
            }

            return provider is null || ModelTestRunner.Choose(config, provider).Count > 0
                ? (provider, null)
                : (null, GatewayError.InvalidValue("provider", "No model of this provider is configured."));
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            return (null, GatewayError.Invalid(ErrorCodes.InvalidJson, "The request body is not valid JSON."));
        }
    }
}
