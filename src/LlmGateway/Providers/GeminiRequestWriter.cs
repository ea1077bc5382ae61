using System.Runtime.InteropServices;
using System.Text.Json;
using LlmGateway.Model;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Providers;

/// <summary>Writes the body of <c>generateContent</c> from OpenAI's request: its frame here; contents, tools and configuration in their own files.</summary>
internal static class GeminiRequestWriter
{
    /// <summary>Writes the body; the answer is null, or why there is none.</summary>
    public static ProviderCall? TryWrite(GatewayRequest request, ProviderTarget target, TargetHabits habits, GeminiCallMemory memory, out ReadOnlyMemory<byte> body) =>
        RequestTranslation.TryWrite(
            request, (request, target, habits, memory), static (writer, root, call) => Write(writer, root, call.request, call.target, call.habits, call.memory), out body);

    private static ProviderCall? Write(
        Utf8JsonWriter writer, JsonElement root, GatewayRequest request, ProviderTarget target, TargetHabits habits, GeminiCallMemory memory)
    {
        var model = GeminiModel.Of(target.Model);
        var tools = new GeminiToolWriter(writer, model);
        writer.WriteStartObject();
        var problem = new GeminiContentsWriter(writer, memory, model).Write(root, request.Profile.SystemPrompt)
            ?? tools.Write(root)
            ?? new GeminiConfigWriter(writer, root, request.Scan, target.Sampling, model) { HasTools = tools.HasTools }.Write(habits);

        // Extensions that Google's own façade takes as well.
        Copy(writer, root, "safety_settings"u8, "safetySettings"u8, JsonValueKind.Array);
        Copy(writer, root, "cached_content"u8, "cachedContent"u8, JsonValueKind.String);
        writer.WriteEndObject();
        return problem;
    }

    private static void Copy(Utf8JsonWriter writer, JsonElement root, ReadOnlySpan<byte> from, ReadOnlySpan<byte> to, JsonValueKind kind)
    {
        if (root.Find(from) is { } value && value.ValueKind == kind)
        {
            writer.WritePropertyName(to);
            writer.WriteRawValue(JsonMarshal.GetRawUtf8Value(value), skipInputValidation: true);
        }
    }
}
