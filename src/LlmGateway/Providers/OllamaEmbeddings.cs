using System.Buffers;
using System.Text.Json;
using LlmGateway.Model;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Providers;

/// <summary>Ollama's <c>/api/embed</c>: strings alone go in, arrays of numbers come out.</summary>
internal static class OllamaEmbeddings
{
    /// <summary>Writes the request; the result says why there is none.</summary>
    public static ProviderCall? TryWrite(GatewayRequest request, ProviderTarget target, out ReadOnlyMemory<byte> body)
    {
        body = default;
        var scan = request.Scan;
        if (scan.InputKind is not (InputKind.Text or InputKind.Texts))
        {
            return ProviderCall.CannotCarry("Ollama embeds text, not token numbers", "input");
        }

        var buffer = new ArrayBufferWriter<byte>(scan.InputValue.Length + 128);
        using var json = new Utf8JsonWriter(buffer, OpenAiJson.Writing);
        json.WriteStartObject();
        json.WriteString("model"u8, target.Model);
        json.WritePropertyName("input"u8);
        json.WriteRawValue(scan.InputValue.Of(request.Body.Span), skipInputValidation: true);

        // Else a text that is too long would be cut without a word.
        json.WriteBoolean("truncate"u8, false);
        if (scan.Dimensions is { } dimensions)
        {
            json.WriteNumber("dimensions"u8, dimensions);
        }

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

    private static ProviderReply ReadVectors(ReadOnlySpan<byte> body, GatewayRequest request, ProviderTarget target)
    {
        var reader = new Utf8JsonReader(body);
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            return ProviderReply.Invalid("The reply is not a JSON object.");
        }

        using var list = new EmbeddingListWriter(target.Model, request.Scan.WantsBase64, body.Length);
        TokenUsage? usage = null;
        while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
        {
            var isVectors = reader.ValueTextEquals("embeddings"u8);
            var isCount = reader.ValueTextEquals("prompt_eval_count"u8);
            var isError = reader.ValueTextEquals("error"u8);
            reader.Read();
            var start = (int)reader.TokenStartIndex;
            if (isVectors && list.Count == 0 && reader.TokenType == JsonTokenType.StartArray)
            {
                while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
                {
                    if (!list.TryAdd(ref reader, body))
                    {
                        return ProviderReply.Invalid("An embedding in the reply is no vector.");
                    }
                }

                continue;
            }

            if (isCount && reader.TokenType == JsonTokenType.Number && reader.TryGetInt64(out var tokens) && tokens is > 0 and <= TokenUsage.Sane)
            {
                usage = new TokenUsage(tokens, 0);
            }

            reader.Skip();
            if (isError)
            {
                return ProviderReply.Failed(OllamaErrors.ReadInside(body[start..(int)reader.BytesConsumed]));
            }
        }

        reader.Read();
        if (list.Count != request.Scan.InputCount)
        {
            return ProviderReply.Invalid($"The reply holds {list.Count} embeddings for {request.Scan.InputCount} inputs.");
        }

        // OpenAI's form has no answer without usage, so a client gets the estimate where Ollama does not count.
        return new ProviderReply(list.End((usage ?? TokenEstimate.Of(request, 0)).Input), usage);
    }
}
