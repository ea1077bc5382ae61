using System.Buffers;
using System.Text.Json;
using LlmGateway.Model;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Providers;

/// <summary>
/// Gemini's <c>batchEmbedContents</c>, for one text as for many, as Google's own SDKs have it: strings go in, arrays of numbers come out in
/// their order. A vector that <c>dimensions</c> shortens is passed on as it comes, also where the model does not bring it back to length 1.
/// </summary>
internal static class GeminiEmbeddings
{
    /// <summary>Writes the request; the result says why there is none.</summary>
    public static ProviderCall? TryWrite(GatewayRequest request, ProviderTarget target, out ReadOnlyMemory<byte> body)
    {
        body = default;
        var scan = request.Scan;
        if (scan.InputKind is not (InputKind.Text or InputKind.Texts))
        {
            return ProviderCall.CannotCarry("Gemini embeds text, not token numbers", "input");
        }

        // Each request of a batch names the model once more, and must name the same.
        var model = GeminiUrl.ResourceName(target.Model);
        var input = scan.InputValue.Of(request.Body.Span);
        var buffer = new ArrayBufferWriter<byte>(input.Length + 64 + (scan.InputCount * (model.Length + 96)));
        using var json = new Utf8JsonWriter(buffer, OpenAiJson.Writing);
        json.WriteStartObject();
        json.WriteStartArray("requests"u8);
        var reader = new Utf8JsonReader(input);
        while (reader.Read())
        {
            if (reader.TokenType == JsonTokenType.String)
            {
                WriteText(json, model, input[(int)reader.TokenStartIndex..(int)reader.BytesConsumed], scan.Dimensions);
            }
        }

        json.WriteEndArray();
        json.WriteEndObject();
        json.Flush();
        body = buffer.WrittenMemory;
        return null;
    }

    public static ProviderReply Read(ReadOnlySpan<byte> body, GatewayRequest request, ProviderTarget target)
    {
        try
        {
            return ReadVectors(body, request, target);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or FormatException)
        {
            return ProviderReply.Invalid("The reply is not valid JSON.");
        }
    }

    private static void WriteText(Utf8JsonWriter json, string model, ReadOnlySpan<byte> text, int? dimensions)
    {
        json.WriteStartObject();
        json.WriteString("model"u8, model);
        json.WriteStartObject("content"u8);
        json.WriteStartArray("parts"u8);
        json.WriteStartObject();
        json.WritePropertyName("text"u8);
        json.WriteRawValue(text, skipInputValidation: true);
        json.WriteEndObject();
        json.WriteEndArray();
        json.WriteEndObject();
        if (dimensions is { } length)
        {
            json.WriteNumber("outputDimensionality"u8, length);
        }

        json.WriteEndObject();
    }

    private static ProviderReply ReadVectors(ReadOnlySpan<byte> body, GatewayRequest request, ProviderTarget target)
    {
        var reader = new Utf8JsonReader(body);
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            return ProviderReply.Invalid("The reply is not a JSON object.");
        }

        using var list = new EmbeddingListWriter(target.Model, request.Scan.WantsBase64, body.Length);
        var counts = new GeminiUsage();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
        {
            var isVectors = reader.ValueTextEquals("embeddings"u8);
            var isUsage = reader.ValueTextEquals("usageMetadata"u8);
            var isError = reader.ValueTextEquals("error"u8);
            reader.Read();
            if (isVectors && list.Count == 0 && reader.TokenType == JsonTokenType.StartArray)
            {
                if (!TryCopy(ref reader, body, list))
                {
                    return ProviderReply.Invalid("An embedding in the reply is no vector.");
                }
            }
            else if (isUsage)
            {
                counts.Note(ref reader);
            }
            else if (isError && reader.TokenType != JsonTokenType.Null)
            {
                using var error = JsonDocument.ParseValue(ref reader);
                return ProviderReply.Failed(GeminiErrors.ReadInside(error.RootElement));
            }
            else
            {
                reader.Skip();
            }
        }

        reader.Read();
        if (list.Count != request.Scan.InputCount)
        {
            return ProviderReply.Invalid($"The reply holds {list.Count} embeddings for {request.Scan.InputCount} inputs.");
        }

        // Older models do not count. OpenAI's form has no answer without usage, so a client gets the estimate.
        TokenUsage? usage = counts.Read(hasOutput: false) is { Input: > 0 } told ? new TokenUsage(told.Input, 0) : null;
        return new ProviderReply(list.End((usage ?? TokenEstimate.Of(request, 0)).Input), usage);
    }

    private static bool TryCopy(ref Utf8JsonReader reader, ReadOnlySpan<byte> body, EmbeddingListWriter list)
    {
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType != JsonTokenType.StartObject)
            {
                return false;
            }

            var before = list.Count;
            while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
            {
                var isVector = reader.ValueTextEquals("values"u8);
                reader.Read();
                if (!isVector)
                {
                    reader.Skip();
                }
                else if (list.Count != before || !list.TryAdd(ref reader, body))
                {
                    return false;
                }
            }

            if (list.Count == before)
            {
                return false;
            }
        }

        return true;
    }
}
