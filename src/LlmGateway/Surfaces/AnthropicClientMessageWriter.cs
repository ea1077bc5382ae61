using System.Text.Json;
using LlmGateway.Model;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Surfaces;

/// <summary>Writes the pieces that a whole message and a stream have in common, with every member that typed SDKs require.</summary>
internal static class AnthropicClientMessageWriter
{
    /// <summary>Writes a message's members up to its content.</summary>
    public static void WriteHead(Utf8JsonWriter writer, string id, WireText model)
    {
        writer.WriteString("id"u8, id);
        writer.WriteString("type"u8, "message"u8);
        writer.WriteString("role"u8, "assistant"u8);
        writer.WritePropertyName("model"u8);
        model.WriteTo(writer);
    }

    /// <summary>Writes why the answer ended; null: it has not.</summary>
    public static void WriteStop(Utf8JsonWriter writer, string? reason)
    {
        writer.WriteString("stop_reason"u8, reason);
        writer.WriteNull("stop_sequence"u8);
        writer.WriteNull("stop_details"u8);
        writer.WriteNull("container"u8);
    }

    public static string StopReason(string? finish, bool hasTools) => finish switch
    {
        "length" => "max_tokens",
        "content_filter" => "refusal",
        "tool_calls" or "function_call" => "tool_use",
        _ => hasTools ? "tool_use" : "end_turn",
    };

    public static void WriteTextBlock(Utf8JsonWriter writer, WireText text)
    {
        writer.WriteStartObject();
        writer.WriteString("type"u8, "text"u8);
        writer.WritePropertyName("text"u8);
        text.WriteTo(writer);
        writer.WriteEndObject();
    }

    /// <summary>A thinking block without a signature: nobody has signed it, and so it is taken back as what it was.</summary>
    public static void WriteThinkingBlock(Utf8JsonWriter writer, WireText text)
    {
        writer.WriteStartObject();
        writer.WriteString("type"u8, "thinking"u8);
        writer.WritePropertyName("thinking"u8);
        text.WriteTo(writer);
        writer.WriteString("signature"u8, ""u8);
        writer.WriteEndObject();
    }

    /// <summary>Begins a tool_use block; its <c>input</c> follows.</summary>
    public static void BeginToolUse(Utf8JsonWriter writer, string id, string name)
    {
        writer.WriteStartObject();
        writer.WriteString("type"u8, "tool_use"u8);
        writer.WriteString("id"u8, id);
        writer.WriteString("name"u8, name);
        writer.WriteStartObject("caller"u8);
        writer.WriteString("type"u8, "direct"u8);
        writer.WriteEndObject();
        writer.WritePropertyName("input"u8);
    }

    /// <summary>Anthropic counts cached input apart; OpenAI counts it in.</summary>
    /// <param name="writer">Where it goes.</param>
    /// <param name="usage">In OpenAI's terms.</param>
    /// <param name="isDelta">A stream's last word, which has fewer members than a message's.</param>
    public static void WriteUsage(Utf8JsonWriter writer, TokenUsage usage, bool isDelta)
    {
        writer.WriteStartObject("usage"u8);
        writer.WriteNumber("input_tokens"u8, usage.Input - usage.CachedInput);
        writer.WriteNumber("cache_creation_input_tokens"u8, 0);
        writer.WriteNumber("cache_read_input_tokens"u8, usage.CachedInput);
        writer.WriteNumber("output_tokens"u8, usage.Output);
        writer.WriteStartObject("output_tokens_details"u8);
        writer.WriteNumber("thinking_tokens"u8, usage.Reasoning);
        writer.WriteEndObject();
        writer.WriteNull("server_tool_use"u8);
        if (!isDelta)
        {
            writer.WriteNull("cache_creation"u8);
            writer.WriteNull("inference_geo"u8);
            writer.WriteNull("service_tier"u8);
            writer.WriteNull("speed"u8);
        }

        writer.WriteEndObject();
    }
}
