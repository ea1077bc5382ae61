using System.Buffers;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Tools.Mcp;

/// <summary>Cleans what an MCP server says of its tools: characters that nobody sees may hold instructions that only a model reads.</summary>
internal static class McpText
{
    /// <summary>A longer description is cut off.</summary>
    public const int MaxDescription = 4096;

    /// <summary>A larger schema makes a tool unusable.</summary>
    public const int MaxSchemaBytes = 64 * 1024;

    private const string AnyObject = """{"type":"object","properties":{}}""";

    /// <summary>Whether the text holds a character that nobody sees, line breaks and tabs aside.</summary>
    public static bool HasHidden(string text) => text.EnumerateRunes().Any(IsHidden);

    /// <summary>The text without hidden characters.</summary>
    public static string Clean(string text)
    {
        if (!HasHidden(text))
        {
            return text;
        }

        var clean = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes().Where(rune => !IsHidden(rune)))
        {
            clean.Append(rune.ToString());
        }

        return clean.ToString();
    }

    /// <summary>A description for the model: clean and bounded.</summary>
    public static string Description(string? text)
    {
        var clean = Clean(text ?? "").Trim();
        return clean.Length <= MaxDescription ? clean : clean[..(char.IsHighSurrogate(clean[MaxDescription - 1]) ? MaxDescription - 1 : MaxDescription)];
    }

    /// <summary>A schema with clean texts; null where it cannot be used.</summary>
    public static byte[]? Schema(JsonElement schema)
    {
        if (schema.ValueKind != JsonValueKind.Object)
        {
            return Encoding.UTF8.GetBytes(AnyObject);
        }

        try
        {
            var bytes = Write(schema, isSorted: false);
            return bytes is null || bytes.Length > MaxSchemaBytes ? null : bytes;
        }
        catch (InvalidOperationException)
        {
            // Half of a surrogate pair.
            return null;
        }
    }

    /// <summary>What a tool is, as a hash: it changes with the description and the meaning of the schema, not with the order of its members.</summary>
    public static string Pin(string? description, JsonElement schema)
    {
        var bytes = schema.ValueKind == JsonValueKind.Object ? Write(schema, isSorted: true) ?? [] : [];
        return Convert.ToHexStringLower(SHA256.HashData([.. Encoding.UTF8.GetBytes(description ?? ""), 0, .. bytes]));
    }

    private static byte[]? Write(JsonElement schema, bool isSorted)
    {
        var output = new ArrayBufferWriter<byte>();
        using var writer = new Utf8JsonWriter(output, OpenAiJson.Writing);
        if (!TryWrite(schema, writer, isSorted))
        {
            return null;
        }

        writer.Flush();
        return output.WrittenSpan.ToArray();
    }

    /// <summary>False where a member's name holds what nobody sees: without it, it would be another name. The pin takes texts as they are.</summary>
    private static bool TryWrite(JsonElement value, Utf8JsonWriter writer, bool isSorted)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                writer.WriteStartObject();
                IEnumerable<JsonProperty> members = value.EnumerateObject();
                foreach (var member in isSorted ? members.OrderBy(member => member.Name, StringComparer.Ordinal) : members)
                {
                    writer.WritePropertyName(member.Name);
                    if ((!isSorted && HasHidden(member.Name)) || !TryWrite(member.Value, writer, isSorted))
                    {
                        return false;
                    }
                }

                writer.WriteEndObject();
                return true;
            case JsonValueKind.Array:
                writer.WriteStartArray();
                foreach (var item in value.EnumerateArray())
                {
                    if (!TryWrite(item, writer, isSorted))
                    {
                        return false;
                    }
                }

                writer.WriteEndArray();
                return true;
            case JsonValueKind.String:
                writer.WriteStringValue(isSorted ? value.GetString() : Clean(value.GetString()!));
                return true;
            default:
                value.WriteTo(writer);
                return true;
        }
    }

    private static bool IsHidden(Rune rune) => rune.Value switch
    {
        '\n' or '\t' or '\r' => false,

        // Variation selectors and blank letters: visible to no one, and able to carry text.
        >= 0xFE00 and <= 0xFE0F or >= 0xE0100 and <= 0xE01EF or 0x115F or 0x1160 or 0x3164 or 0xFFA0 => true,
        _ => Rune.GetUnicodeCategory(rune) is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned,
    };
}
