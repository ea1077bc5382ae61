using System.Buffers;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text.Json;
using LlmGateway.Model;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Providers;

/// <summary>
/// The transport of providers of type <c>mock</c>: it answers <c>chat/completions</c>, <c>embeddings</c> and <c>models</c> as OpenAI would, without a network,
/// and fails as <see cref="MockBehavior"/> says, so that users can rehearse failures.
/// </summary>
internal sealed class MockHandler(MockBehavior behavior, TimeProvider time, Func<Guid>? newGuid = null) : HttpMessageHandler
{
    private readonly Func<Guid> _newGuid = newGuid ?? Guid.NewGuid;

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        if (behavior.Fail == MockFailure.Connection)
        {
            throw new HttpRequestException(
                HttpRequestError.ConnectionError, "The mock provider refuses connections.", new SocketException((int)SocketError.ConnectionRefused));
        }

        var body = request.Content is { } content ? await content.ReadAsByteArrayAsync(cancellationToken) : [];
        if (behavior.Fail == MockFailure.Timeout)
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, time, cancellationToken);
        }

        if (behavior.Latency > TimeSpan.Zero)
        {
            await Task.Delay(behavior.Latency, time, cancellationToken);
        }

        var response = Answer(request, body);
        response.RequestMessage = request;
        return response;
    }

    private HttpResponseMessage Answer(HttpRequestMessage request, byte[] body)
    {
        if (behavior.Status is { } status && status != (int)HttpStatusCode.OK)
        {
            var refusal = Whole(status, Error(status, $"The mock provider answers {status}."));
            if (behavior.RetryAfterSeconds is { } seconds)
            {
                refusal.Headers.RetryAfter = new RetryConditionHeaderValue(TimeSpan.FromSeconds(seconds));
            }

            return refusal;
        }

        var path = request.RequestUri?.AbsolutePath.TrimEnd('/') ?? "";
        if (request.Method == HttpMethod.Get && path.EndsWith("/models", StringComparison.Ordinal))
        {
            return Whole(200, Models());
        }

        if (request.Method == HttpMethod.Post && path.EndsWith("/embeddings", StringComparison.Ordinal))
        {
            return MockEmbeddings.Answer(body) is { } vectors ? Embeddings(vectors) : Whole(400, Error(400, "The request is no embeddings request."));
        }

        if (request.Method != HttpMethod.Post || !path.EndsWith("/chat/completions", StringComparison.Ordinal))
        {
            return Whole(404, Error(404, "The mock provider has chat/completions, embeddings and models only.", ErrorCodes.NotFound));
        }

        return MockRequest.Read(body) is { } chat
            ? Chat(chat)
            : Whole(400, Error(400, "The request is no chat completion request."));
    }

    private HttpResponseMessage Chat(MockRequest chat)
    {
        var answer = new MockAnswer(chat, behavior, CompletionStamp.New(chat.Model, time, _newGuid));
        var type = chat.IsStreaming ? "text/event-stream" : "application/json";
        return behavior.Fail switch
        {
            MockFailure.Garbage => Body([chat.IsStreaming ? "data: <html>mock</html>\n\n"u8.ToArray() : "<html>mock</html>"u8.ToArray()], type),
            MockFailure.Empty => Body([], type),
            MockFailure.ErrorInStream => Body([Error(chat)], type),
            var end when chat.IsStreaming => Body(end == MockFailure.None ? answer.ToEvents() : answer.ToEvents()[..MockAnswer.EventsToFirstToken], type),
            MockFailure.None => Whole(200, answer.ToCompletion()),
            _ => Body([answer.ToCompletion()[..^16]], type),
        };
    }

    private HttpResponseMessage Embeddings(byte[] vectors) => behavior.Fail switch
    {
        MockFailure.Garbage => Body(["<html>mock</html>"u8.ToArray()], "application/json"),
        MockFailure.Empty => Body([], "application/json"),
        MockFailure.ErrorInStream => Whole(200, Error(500, "The mock provider fails inside its answer.")),
        MockFailure.None => Whole(200, vectors),
        _ => Body([vectors[..^16]], "application/json"),
    };

    private HttpResponseMessage Body(IReadOnlyList<byte[]> pieces, string type)
    {
        var content = new StreamContent(new MockStream(pieces, behavior.ChunkDelay, behavior.Fail, time));
        content.Headers.ContentType = new MediaTypeHeaderValue(type);
        return new HttpResponseMessage(HttpStatusCode.OK) { Content = content };
    }

    private static HttpResponseMessage Whole(int status, byte[] json)
    {
        var content = new ByteArrayContent(json);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        return new HttpResponseMessage((HttpStatusCode)status) { Content = content };
    }

    private static byte[] Error(MockRequest chat)
    {
        var error = Error(500, "The mock provider fails inside its answer.");
        return chat.IsStreaming ? [.. "data: "u8, .. error, .. "\n\n"u8] : error;
    }

    private static byte[] Error(int status, string message, string? otherCode = null)
    {
        var (type, code) = status switch
        {
            401 => (ErrorTypes.InvalidRequest, ErrorCodes.InvalidApiKey),
            403 => (ErrorTypes.Permission, null),
            404 => (ErrorTypes.InvalidRequest, ErrorCodes.ModelNotFound),
            429 => (ErrorTypes.RateLimit, "rate_limit_exceeded"),
            >= 400 and < 500 => (ErrorTypes.InvalidRequest, (string?)null),
            _ => ("server_error", null),
        };
        return Json(writer =>
        {
            writer.WriteStartObject("error"u8);
            writer.WriteString("message"u8, message);
            writer.WriteString("type"u8, type);
            writer.WriteNull("param"u8);
            writer.WriteString("code"u8, otherCode ?? code);
            writer.WriteEndObject();
        });
    }

    private byte[] Models() => Json(writer =>
    {
        writer.WriteString("object"u8, "list"u8);
        writer.WriteStartArray("data"u8);
        writer.WriteStartObject();
        writer.WriteString("id"u8, "mock"u8);
        writer.WriteString("object"u8, "model"u8);
        writer.WriteNumber("created"u8, time.GetUtcNow().ToUnixTimeSeconds());
        writer.WriteString("owned_by"u8, "mock"u8);
        writer.WriteEndObject();
        writer.WriteEndArray();
    });

    private static byte[] Json(Action<Utf8JsonWriter> writeMembers)
    {
        var output = new ArrayBufferWriter<byte>();
        using var writer = new Utf8JsonWriter(output, OpenAiJson.Writing);
        writer.WriteStartObject();
        writeMembers(writer);
        writer.WriteEndObject();
        writer.Flush();
        return output.WrittenSpan.ToArray();
    }
}
