using System.Buffers;
using System.Text.Json;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Api;

/// <summary>Answers of the gateway's own: JSON with its length, 200 unless the status was set before.</summary>
internal static class JsonAnswer
{
    public static Task WriteAsync(HttpContext context, Action<Utf8JsonWriter> write)
    {
        var output = new ArrayBufferWriter<byte>(1024);
        using (var writer = new Utf8JsonWriter(output, OpenAiJson.Writing))
        {
            write(writer);
        }

        return WriteAsync(context, output.WrittenMemory);
    }

    public static async Task WriteAsync(HttpContext context, ReadOnlyMemory<byte> json)
    {
        context.Response.ContentType = "application/json";
        context.Response.ContentLength = json.Length;
        await context.Response.Body.WriteAsync(json, context.RequestAborted);
    }
}
