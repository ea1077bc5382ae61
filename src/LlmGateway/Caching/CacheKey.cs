using System.Buffers;
using System.Security.Cryptography;
using System.Text.Json;
using LlmGateway.Model;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Caching;

/// <summary>
/// What makes two requests the same to the response cache: the client key, the configuration, the route and the body, whatever the order and
/// spacing of its members. It is a hash: nothing of a request stands in it.
/// </summary>
internal static class CacheKey
{
    public static string Of(GatewayRequest request)
    {
        var output = new ArrayBufferWriter<byte>(request.Body.Length + 512);
        using (var writer = new Utf8JsonWriter(output, OpenAiJson.Writing))
        {
            writer.WriteStartArray();
            writer.WriteStringValue(request.Key.Name);
            writer.WriteStringValue(request.Config.Fingerprint);
            writer.WriteNumberValue((int)request.Operation);
            writer.WriteStringValue(request.Profile.Name);
            writer.WriteStringValue(request.Profile.SystemPrompt);
            writer.WriteStringValue(request.Profile.Target.Model);
            writer.WriteStringValue(request.ExplicitTarget?.ToString());
            writer.WriteStringValue(request.ExplicitRole);
            writer.WriteStringValue(request.Strategy);
            writer.WriteBooleanValue(request.Scan.IsStreaming);
            writer.WriteBooleanValue(request.Scan.IncludeUsage ?? false);
            using var body = JsonDocument.Parse(request.Body);
            Write(writer, body.RootElement);
            writer.WriteEndArray();
        }

        return Convert.ToHexStringLower(SHA256.HashData(output.WrittenSpan));
    }

    private static void Write(Utf8JsonWriter writer, JsonElement value)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                writer.WriteStartObject();
                foreach (var member in value.EnumerateObject().OrderBy(member => member.Name, StringComparer.Ordinal))
                {
                    writer.WritePropertyName(member.Name);
                    Write(writer, member.Value);
                }

                writer.WriteEndObject();
                break;
            case JsonValueKind.Array:
                writer.WriteStartArray();
                foreach (var item in value.EnumerateArray())
                {
                    Write(writer, item);
                }

                writer.WriteEndArray();
                break;
            default:
                value.WriteTo(writer);
                break;
        }
    }
}
