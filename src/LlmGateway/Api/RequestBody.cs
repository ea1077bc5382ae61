using System.Buffers;
using LlmGateway.Lifecycle;
using LlmGateway.Model;
using Microsoft.Net.Http.Headers;

namespace LlmGateway.Api;

/// <summary>Reads a JSON body into one buffer, once the headers have shown that it may come: kind, encoding, size, and room for it.</summary>
internal static class RequestBody
{
    /// <summary>Up to this length the buffer is made as announced; beyond, it grows with what really comes.</summary>
    private const int MostTrusted = 1024 * 1024;

    public static async ValueTask<(ReadOnlyMemory<byte> Body, GatewayError? Error)> ReadJsonAsync(HttpRequest request, long limit, CancellationToken cancellationToken, bool takesAnyType = false)
    {
        if (CheckHeaders(request, limit, takesAnyType) is { } refusal)
        {
            return (default, refusal);
        }

        var claim = request.ContentLength is <= BodyClaim.MostUncounted ? null : NewClaim(request.HttpContext);
        if (claim?.TryTake(request.ContentLength ?? BodyClaim.MostUnannounced) is false)
        {
            return (default, Refusals.HeapFull);
        }

        if (request.ContentLength is { } length and <= MostTrusted)
        {
            var exact = BodyBuffers.Take(RequestScope.Of(request.HttpContext), (int)length).AsMemory(0, (int)length);
            await request.Body.ReadExactlyAsync(exact, cancellationToken);
            claim?.NoteRead(length);
            return (SkipByteOrderMark(exact), null);
        }

        var writer = new ArrayBufferWriter<byte>(4096);
        while (true)
        {
            var read = await request.Body.ReadAsync(writer.GetMemory(4096), cancellationToken);
            if (read == 0)
            {
                claim?.NoteRead(writer.WrittenCount);
                return (SkipByteOrderMark(writer.WrittenMemory), null);
            }

            writer.Advance(read);
            if (writer.WrittenCount > limit)
            {
                return (default, TooLarge(limit));
            }

            if (claim is not null && request.ContentLength is null && writer.WrittenCount > BodyClaim.MostUnannounced && writer.WrittenCount - read <= BodyClaim.MostUnannounced
                && !claim.TryTake(limit))
            {
                // If several grew bit by bit, none of them would find room for its end.
                return (default, Refusals.HeapFull);
            }
        }
    }

    private static BodyClaim? NewClaim(HttpContext context)
    {
        var heap = context.RequestServices.GetRequiredService<HeapGate>();
        if (!heap.IsLimited)
        {
            return null;
        }

        var claim = new BodyClaim(heap);
        context.Response.RegisterForDispose(claim);
        return claim;
    }

    private static GatewayError? CheckHeaders(HttpRequest request, long limit, bool takesAnyType)
    {
        if (request.ContentLength > limit)
        {
            return TooLarge(limit);
        }

        if (request.Headers.ContentEncoding.Count > 0 && request.Headers.ContentEncoding != "identity")
        {
            return Unsupported("Compressed request bodies are not taken. Send the JSON as it is.", "Content-Encoding");
        }

        // The usual spelling first: parsing a media type costs more than all the rest.
        var contentType = request.ContentType;
        if (takesAnyType || contentType is "application/json" or "application/json; charset=utf-8")
        {
            return null;
        }

        if (!MediaTypeHeaderValue.TryParse(contentType, out var type) || !IsJson(type))
        {
            return Unsupported("The body must be JSON: send it with 'Content-Type: application/json'.", "Content-Type");
        }

        return type.Charset.HasValue && !HeaderUtilities.RemoveQuotes(type.Charset).Equals("utf-8", StringComparison.OrdinalIgnoreCase)
            ? Unsupported("JSON must be sent in UTF-8.", "Content-Type")
            : null;
    }

    private static bool IsJson(MediaTypeHeaderValue type) =>
        type.MediaType.Equals("application/json", StringComparison.OrdinalIgnoreCase)
        || (type.Suffix.Equals("json", StringComparison.OrdinalIgnoreCase) && type.Type.Equals("application", StringComparison.OrdinalIgnoreCase));

    private static GatewayError TooLarge(long limit) => new(
        413, ErrorTypes.InvalidRequest, ErrorCodes.RequestTooLarge, $"The request body is larger than {limit} bytes (GATEWAY_MAX_BODY).");

    private static GatewayError Unsupported(string message, string header) => new(
        415, ErrorTypes.InvalidRequest, ErrorCodes.UnsupportedMediaType, message, header);

    private static ReadOnlyMemory<byte> SkipByteOrderMark(ReadOnlyMemory<byte> body) => body.Span.StartsWith("\uFEFF"u8) ? body[3..] : body;
}
