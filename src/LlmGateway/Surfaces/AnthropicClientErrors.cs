using System.Buffers;
using System.Text.Json;
using LlmGateway.Model;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Surfaces;

/// <summary>Errors as Anthropic's SDKs read them. The status stays the gateway's own; the type follows from it.</summary>
internal static class AnthropicClientErrors
{
    public const string ApiError = "api_error";

    public static string TypeOf(int status) => status switch
    {
        401 => "authentication_error",
        402 => "billing_error",
        403 => "permission_error",
        404 => "not_found_error",
        409 => "conflict_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        503 or 529 => "overloaded_error",
        408 or 504 => "timeout_error",
        >= 500 => ApiError,
        _ => "invalid_request_error",
    };

    /// <param name="type">Anthropic's <c>error.type</c>.</param>
    /// <param name="message">What went wrong and what to do.</param>
    /// <param name="requestId">The request's id.</param>
    /// <param name="isThreadRefused">Whether <c>thread</c> is what cannot be served: the SDKs look for this in the error's details.</param>
    public static byte[] Write(string type, string message, string requestId, bool isThreadRefused = false)
    {
        var output = new ArrayBufferWriter<byte>(256);
        using (var writer = new Utf8JsonWriter(output, OpenAiJson.Writing))
        {
            writer.WriteStartObject();
            writer.WriteString("type"u8, "error"u8);
            writer.WriteStartObject("error"u8);
            writer.WriteString("type"u8, type);
            writer.WriteString("message"u8, message);
            if (isThreadRefused)
            {
                writer.WriteStartObject("details"u8);
                writer.WriteString("error_code"u8, ErrorCodes.ThreadUnsupported);
                writer.WriteStartArray("unsupported"u8);
                writer.WriteStringValue("thread"u8);
                writer.WriteEndArray();
                writer.WriteEndObject();
            }

            writer.WriteEndObject();
            writer.WriteString("request_id"u8, requestId);
            writer.WriteEndObject();
        }

        return output.WrittenSpan.ToArray();
    }
}
