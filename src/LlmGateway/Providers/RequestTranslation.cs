using System.Buffers;
using System.Text.Json;
using System.Text.Unicode;
using LlmGateway.Model;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Providers;

/// <summary>Reads a body in OpenAI's form and has a provider's written from it.</summary>
internal static class RequestTranslation
{
    /// <summary>Writes the body; the answer is null, or why there is none.</summary>
    /// <param name="request">The call as received.</param>
    /// <param name="state">What the writer needs besides, so that it captures nothing.</param>
    /// <param name="write">Writes it from the root of the request's body, and answers in the same way.</param>
    /// <param name="body">The body.</param>
    public static ProviderCall? TryWrite<T>(GatewayRequest request, T state, Func<Utf8JsonWriter, JsonElement, T, ProviderCall?> write, out ReadOnlyMemory<byte> body)
    {
        body = default;
        if (!Utf8.IsValid(request.Body.Span))
        {
            return InvalidJson();
        }

        try
        {
            using var document = JsonDocument.Parse(request.Body, OpenAiJson.Reading);
            if (document.RootElement.ValueKind != JsonValueKind.Object)
            {
                return InvalidJson();
            }

            var output = new ArrayBufferWriter<byte>(request.Body.Length + 512);
            using var writer = new Utf8JsonWriter(output, OpenAiJson.Writing);
            var problem = write(writer, document.RootElement, state);
            writer.Flush();
            body = output.WrittenMemory;
            return problem;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // The second is how an escape of half a surrogate pair shows itself, when its string is read.
            return InvalidJson();
        }
    }

    public static ProviderCall InvalidJson() => ProviderCall.Refuse(GatewayError.Invalid(
        ErrorCodes.InvalidJson, "The body is not valid JSON: a member stands twice, or a string is not valid Unicode."));
}
