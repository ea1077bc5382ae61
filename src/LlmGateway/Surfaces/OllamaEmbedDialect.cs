using System.Buffers;
using System.Text.Json;
using LlmGateway.Model;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Surfaces;

/// <summary>
/// Ollama's <c>/api/embed</c> over OpenAI's embeddings. <c>truncate</c>, <c>options</c> and <c>keep_alive</c> are a local server's affair and are
/// left out; no input is, as at Ollama, no embedding.
/// </summary>
public sealed class OllamaEmbedDialect(TimeProvider time) : IClientDialect
{
    public const string DialectName = "ollama_embed";

    public string Name => DialectName;

    public string StreamType => "application/x-ndjson";

    public bool TakesAnyContentType => true;

    public ClientCall ReadRequest(ReadOnlyMemory<byte> body, GatewayConfig config, string? agent = null)
    {
        using var document = JsonDocument.Parse(body, OpenAiJson.Reading);
        using var request = new ClientRequestReader(body.Length);
        var root = document.RootElement;
        if (root.FindText("model"u8) is not { Length: > 0 } model)
        {
            request.FailMissing("model");
            return request.Finish();
        }

        var input = root.Find("input"u8);
        if (input is null or { ValueKind: JsonValueKind.String or JsonValueKind.Array } && IsNothing(input))
        {
            return ClientCall.AnswerAtOnce(Write(model, writer => writer.WriteEndArray()));
        }

        if (input is not { ValueKind: JsonValueKind.String or JsonValueKind.Array } ||
            (input.Value.ValueKind == JsonValueKind.Array && input.Value.EnumerateArray().Any(text => text.ValueKind != JsonValueKind.String)))
        {
            request.Fail("input", "invalid input type.");
            return request.Finish();
        }

        request.Writer.WriteStartObject();
        request.Writer.WriteString("model"u8, OllamaModelName.Resolve(model, config));
        request.WriteRaw("input", input.Value);
        request.CopyNumber(root, "dimensions", "dimensions", isWhole: true);
        request.Writer.WriteString("encoding_format"u8, "float"u8);
        request.Writer.WriteEndObject();
        return request.Finish();
    }

    public byte[]? WriteReply(ReadOnlyMemory<byte> completion, GatewayRequest request)
    {
        try
        {
            using var document = JsonDocument.Parse(completion);
            var root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object || root.Find("data"u8) is not { ValueKind: JsonValueKind.Array } data)
            {
                return null;
            }

            var vectors = data.EnumerateArray().Select(item => item.ValueKind == JsonValueKind.Object ? item.Find("embedding"u8) : null).ToList();
            return vectors.Any(vector => vector is not { ValueKind: JsonValueKind.Array })
                ? null
                : Write(root.FindText("model"u8) ?? "", writer => WriteVectors(writer, vectors, request));
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    public ClientStreamWriter CreateStreamWriter(GatewayRequest request) => new OllamaClientStream(request, isChat: false, time);

    public byte[] WriteError(GatewayError error, string requestId) => OllamaClientReply.WriteError(error.Message);

    private static bool IsNothing(JsonElement? input) =>
        input is null || (input.Value.ValueKind == JsonValueKind.String ? input.Value.GetString()!.Length == 0 : input.Value.GetArrayLength() == 0);

    private void WriteVectors(Utf8JsonWriter writer, List<JsonElement?> vectors, GatewayRequest request)
    {
        foreach (var vector in vectors)
        {
            vector!.Value.WriteTo(writer);
        }

        writer.WriteEndArray();
        var times = OllamaClientTimes.Of(request, time);
        writer.WriteNumber("total_duration"u8, times.Total);
        writer.WriteNumber("load_duration"u8, 0);
        writer.WriteNumber("prompt_eval_count"u8, (request.Tally.Answer?.Usage ?? default).Input);
    }

    /// <summary>Writes the answer; the given part ends the list of vectors, which is open.</summary>
    private static byte[] Write(string model, Action<Utf8JsonWriter> writeRest)
    {
        var output = new ArrayBufferWriter<byte>(1024);
        using var writer = new Utf8JsonWriter(output, OpenAiJson.Writing);
        writer.WriteStartObject();
        writer.WriteString("model"u8, model);
        writer.WriteStartArray("embeddings"u8);
        writeRest(writer);
        writer.WriteEndObject();
        writer.Flush();
        return output.WrittenSpan.ToArray();
    }
}
