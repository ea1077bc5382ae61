using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using LlmGateway.Access;
using LlmGateway.Model;

namespace LlmGateway.Admin;

/// <summary>Client keys as administration shows them: the members of the keys file, but for the hash.</summary>
internal static class KeyJson
{
    public static void WriteConfigured(Utf8JsonWriter json, ClientKey key)
    {
        json.WriteStartObject();
        json.WriteString("name"u8, key.Name);
        WriteText(json, "department", key.Department);
        WriteText(json, "user_id", key.UserId);
        json.WriteBoolean("user_header"u8, key.TrustsUserHeader);
        WriteSet(json, "agents", key.Agents);
        WriteSet(json, "models", key.Models);
        WriteNumber(json, "rpm", key.RequestsPerMinute);
        WriteNumber(json, "tpm", key.TokensPerMinute);
        WriteNumber(json, "max_concurrency", key.MaxConcurrency);
        WriteNumber(json, "budget_usd", key.BudgetUsd);
        WriteText(json, "budget_period", key.BudgetPeriod);
        WriteText(json, "not_before", Time(key.NotBefore));
        WriteText(json, "expires_at", Time(key.ExpiresAt));
        json.WriteString("source"u8, "configuration"u8);
        json.WriteEndObject();
    }

    /// <param name="json">Where to.</param>
    /// <param name="minted">What.</param>
    /// <param name="key">The key itself, in the one answer that shows it.</param>
    public static void WriteMinted(Utf8JsonWriter json, MintedKey minted, string? key = null)
    {
        json.WriteStartObject();
        using (var definition = JsonDocument.Parse(minted.Definition))
        {
            foreach (var member in definition.RootElement.EnumerateObject())
            {
                member.WriteTo(json);
            }
        }

        json.WriteString("created_at"u8, Time(minted.Created));
        json.WriteString("source"u8, "minted"u8);
        if (key is not null)
        {
            json.WriteString("key"u8, key);
        }

        json.WriteEndObject();
    }

    /// <summary>An object that has been checked, without white space and members that say nothing.</summary>
    public static string Compact(ReadOnlySpan<byte> checkedObject)
    {
        var reader = new Utf8JsonReader(checkedObject);
        using var document = JsonDocument.ParseValue(ref reader);
        var buffer = new ArrayBufferWriter<byte>(256);
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            foreach (var member in document.RootElement.EnumerateObject().Where(member => member.Value.ValueKind != JsonValueKind.Null))
            {
                member.WriteTo(json);
            }

            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    private static string? Time(DateTimeOffset? time) => time?.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    private static void WriteText(Utf8JsonWriter json, string name, string? value)
    {
        if (value is not null)
        {
            json.WriteString(name, value);
        }
    }

    private static void WriteNumber(Utf8JsonWriter json, string name, decimal? value)
    {
        if (value is { } number)
        {
            json.WriteNumber(name, number);
        }
    }

    private static void WriteSet(Utf8JsonWriter json, string name, AllowedNames? values)
    {
        json.WriteStartArray(name);
        foreach (var value in values?.Names.Order(StringComparer.Ordinal) ?? (IEnumerable<string>)["*"])
        {
            json.WriteStringValue(value);
        }

        json.WriteEndArray();
    }
}
