using System.Text;
using System.Text.Json;

namespace LlmGateway.FunctionalTests.Infrastructure;

/// <summary>An error answer, once it has shown the form that every error of the gateway has.</summary>
internal sealed record OpenAiError(int Status, string Message, string Type, string? Param, string? Code, string RequestId)
{
    public static async Task<OpenAiError> ReadAsync(HttpResponseMessage response) => Read(
        (int)response.StatusCode,
        response.Content.Headers.ContentType?.MediaType,
        response.Headers.TryGetValues("X-Request-Id", out var ids) ? ids.Single() : null,
        await response.Content.ReadAsByteArrayAsync());

    public static OpenAiError Read(RawAnswer answer) =>
        Read(answer.Status, answer.Header("Content-Type")?.Split(';')[0], answer.Header("X-Request-Id"), answer.Body);

    private static OpenAiError Read(int status, string? mediaType, string? requestId, byte[] body)
    {
        var text = Encoding.UTF8.GetString(body);
        Assert.True(status >= 400, $"Status {status} is no error: {text}");
        Assert.Equal("application/json", mediaType);
        Assert.False(string.IsNullOrEmpty(requestId), "An error without X-Request-Id.");
        OpenAiSchema.AssertValid(OpenAiSchema.Error, text);
        using var document = JsonDocument.Parse(body);
        Assert.Equal(["error"], document.RootElement.EnumerateObject().Select(member => member.Name));
        var error = document.RootElement.GetProperty("error");
        Assert.Equal(["message", "type", "param", "code"], error.EnumerateObject().Select(member => member.Name));
        return new OpenAiError(
            status,
            error.GetProperty("message").GetString()!,
            error.GetProperty("type").GetString()!,
            error.GetProperty("param").GetString(),
            error.GetProperty("code").GetString(),
            requestId!);
    }
}
