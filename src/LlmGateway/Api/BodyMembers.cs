using System.Text;
using System.Text.Json;
using LlmGateway.Model;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Api;

/// <summary>Reads the members of one of the gateway's own request bodies: each of its kind, unknown ones refused. The first thing wrong stays.</summary>
internal sealed class BodyMembers(JsonElement root, params string[] known)
{
    private const int LongestName = 64;

    public GatewayError? Error { get; private set; } = FindUnknown(root, known);

    /// <summary>A text; null where it is missing.</summary>
    public string? Text(string name, bool isRequired = false)
    {
        if (Find(name) is not { } value)
        {
            Error ??= isRequired ? GatewayError.Invalid(ErrorCodes.MissingRequiredParameter, $"Missing required parameter: '{name}'.", name) : null;
            return null;
        }

        if (value.ValueKind != JsonValueKind.String || (isRequired && string.IsNullOrWhiteSpace(TextOf(value))))
        {
            Fail(name, isRequired ? "a string that is not empty" : "a string");
            return null;
        }

        return TextOf(value);
    }

    public bool Flag(string name, bool usual)
    {
        if (Find(name) is not { } value)
        {
            return usual;
        }

        if (value.ValueKind is not (JsonValueKind.True or JsonValueKind.False))
        {
            Fail(name, "a boolean");
            return usual;
        }

        return value.GetBoolean();
    }

    /// <summary>A number within bounds, as it is written.</summary>
    public JsonElement? Number(string name, double least, double most, bool isWhole = false)
    {
        if (Find(name) is not { } value)
        {
            return null;
        }

        var isNumber = value.ValueKind == JsonValueKind.Number && (!isWhole || value.TryGetInt64(out _)) && value.TryGetDouble(out var number) && number >= least && number <= most;
        if (!isNumber)
        {
            Fail(name, FormattableString.Invariant($"{(isWhole ? "an integer" : "a number")} from {least} to {most}"));
            return null;
        }

        return value;
    }

    /// <summary>An object of texts, numbers and booleans, each as text.</summary>
    public IReadOnlyDictionary<string, string> Texts(string name)
    {
        var texts = new Dictionary<string, string>(StringComparer.Ordinal);
        if (Find(name) is not { } value)
        {
            return texts;
        }

        if (value.ValueKind != JsonValueKind.Object)
        {
            Fail(name, "an object");
            return texts;
        }

        foreach (var member in value.EnumerateObject())
        {
            if (member.Value.ValueKind is JsonValueKind.Object or JsonValueKind.Array)
            {
                Fail(name, "an object of strings");
                break;
            }

            texts[member.Name] = member.Value.ValueKind switch
            {
                JsonValueKind.String => TextOf(member.Value),
                JsonValueKind.Null => "",
                _ => member.Value.GetRawText(),
            };
        }

        return texts;
    }

    private static string TextOf(JsonElement value)
    {
        try
        {
            return value.GetString()!;
        }
        catch (InvalidOperationException)
        {
            // Half of a surrogate pair.
            return "";
        }
    }

    private static GatewayError? FindUnknown(JsonElement root, string[] known)
    {
        foreach (var member in root.EnumerateObject())
        {
            if (!known.Contains(member.Name))
            {
                var shown = member.Name.Length <= LongestName ? member.Name : member.Name[..LongestName];
                return GatewayError.InvalidValue(shown, $"Unknown member '{shown}'; known ones: {string.Join(", ", known)}.");
            }
        }

        return null;
    }

    private JsonElement? Find(string name) => root.Find(Encoding.UTF8.GetBytes(name));

    private void Fail(string name, string expected) => Error ??= GatewayError.InvalidValue(name, $"Invalid value for '{name}': expected {expected}.");
}
