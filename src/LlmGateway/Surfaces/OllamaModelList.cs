using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using LlmGateway.Api;
using LlmGateway.Model;
using LlmGateway.Profiles;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Surfaces;

/// <summary>What the gateway offers, as Ollama lists models: the configured ones that the key may use, and the agents as <c>agent:NAME</c>.</summary>
internal static class OllamaModelList
{
    // No file of weights stands behind these names; clients parse the time and want it stable.
    private const string ModifiedAt = "2026-01-01T00:00:00Z";

    public static byte[] WriteTags(GatewayConfig config, ClientKey key) => Write(writer =>
    {
        writer.WriteStartArray("models"u8);
        foreach (var (name, target) in Names(config, key))
        {
            writer.WriteStartObject();
            writer.WriteString("name"u8, name);
            writer.WriteString("model"u8, name);
            writer.WriteString("modified_at"u8, ModifiedAt);
            writer.WriteNumber("size"u8, 0);
            writer.WriteString("digest"u8, Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(name))));
            WriteDetails(writer, target);
            WriteCapabilities(writer, target);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    });

    public static byte[] WriteShow(ProviderTarget target) => Write(writer =>
    {
        writer.WriteString("modelfile"u8, ""u8);
        writer.WriteString("parameters"u8, ""u8);
        writer.WriteString("template"u8, ""u8);
        WriteDetails(writer, target);
        writer.WriteStartObject("model_info"u8);
        writer.WriteString("general.architecture"u8, target.Provider.Name);
        if (target.ModelConfig?.ContextWindow is { } window)
        {
            writer.WriteNumber($"{target.Provider.Name}.context_length", window);
        }

        writer.WriteEndObject();
        WriteCapabilities(writer, target);
        writer.WriteString("modified_at"u8, ModifiedAt);
    });

    private static IEnumerable<(string Name, ProviderTarget Target)> Names(GatewayConfig config, ClientKey key) =>
        from model in ModelList.For(config, key)
        let route = ProfileResolver.Resolve(config, header: null, path: null, model.Id)
        select (model.Id, route.Target ?? route.Profile!.Target);

    private static void WriteDetails(Utf8JsonWriter writer, ProviderTarget target)
    {
        writer.WriteStartObject("details"u8);
        writer.WriteString("parent_model"u8, ""u8);
        writer.WriteString("format"u8, ""u8);
        writer.WriteString("family"u8, target.Provider.Name);
        writer.WriteStartArray("families"u8);
        writer.WriteStringValue(target.Provider.Name);
        writer.WriteEndArray();
        writer.WriteString("parameter_size"u8, ""u8);
        writer.WriteString("quantization_level"u8, ""u8);
        writer.WriteEndObject();
    }

    /// <summary>What nobody has denied, a client may try.</summary>
    private static void WriteCapabilities(Utf8JsonWriter writer, ProviderTarget target)
    {
        writer.WriteStartArray("capabilities"u8);
        writer.WriteStringValue("completion"u8);
        if (target.ModelConfig?.SupportsTools is not false)
        {
            writer.WriteStringValue("tools"u8);
        }

        if (target.ModelConfig?.SupportsVision is not false)
        {
            writer.WriteStringValue("vision"u8);
        }

        writer.WriteEndArray();
    }

    private static byte[] Write(Action<Utf8JsonWriter> writeMembers)
    {
        var output = new ArrayBufferWriter<byte>(1024);
        using var writer = new Utf8JsonWriter(output, OpenAiJson.Writing);
        writer.WriteStartObject();
        writeMembers(writer);
        writer.WriteEndObject();
        writer.Flush();
        return output.WrittenSpan.ToArray();
    }
}
