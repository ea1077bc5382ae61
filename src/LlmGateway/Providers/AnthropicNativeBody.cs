using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using LlmGateway.Model;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Providers;

/// <summary>
/// The body of a client that speaks Anthropic's form itself, as the target gets it: the model, the profile's system prompt and its sampling
/// are spliced in, and all other bytes stay, so that caching marks, signed thinking and server tools arrive as they were sent.
/// </summary>
internal static class AnthropicNativeBody
{
    private const string AnswerJson = "Answer with one valid JSON object and nothing else.";

    public static SplicedBody Write(GatewayRequest request, ProviderTarget target, TargetHabits habits, bool takesSampling)
    {
        var body = request.ClientBody;
        var members = ReadMembers(body.Span, out var membersStart);
        var splicer = new BodySplicer();
        Put(splicer, members, membersStart, "model", Quote(target.Model));
        SpliceSystem(splicer, members, membersStart, body.Span, SystemPrompt(request, target, members));

        var model = AnthropicModel.Of(target.Model);
        var sampling = target.Sampling;
        var setsSampling = members.ContainsKey("temperature") || members.ContainsKey("top_p") || members.ContainsKey("top_k") || members.ContainsKey("thinking");
        if (takesSampling && model.TakesSampling && !setsSampling)
        {
            var temperature = (habits & TargetHabits.RefusesTemperature) != 0 ? null : sampling.Temperature;
            Fill(splicer, members, membersStart, "temperature", InRange(temperature));
            if (temperature is null || model.TakesTemperatureWithTopP)
            {
                Fill(splicer, members, membersStart, "top_p", (habits & TargetHabits.RefusesTopP) != 0 ? null : sampling.TopP);
            }
        }

        Fill(splicer, members, membersStart, "stop_sequences", sampling.Stop is { } stop ? stop.StartsWith('[') ? stop : $"[{stop}]" : null);
        return splicer.Apply(body);
    }

    public static string? HeaderOf(GatewayRequest request, string name)
    {
        foreach (var (known, value) in request.ClientHeaders)
        {
            if (known == name)
            {
                return value;
            }
        }

        return null;
    }

    /// <summary>Where the value of each top-level member stands, and what it is.</summary>
    private static Dictionary<string, Member> ReadMembers(ReadOnlySpan<byte> body, out int membersStart)
    {
        var members = new Dictionary<string, Member>(StringComparer.Ordinal);
        var reader = new Utf8JsonReader(body);
        reader.Read();
        membersStart = (int)reader.BytesConsumed;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = reader.GetString()!;
            reader.Read();
            var start = (int)reader.TokenStartIndex;
            var type = reader.TokenType;
            reader.Skip();
            members[name] = new Member(new JsonRange(start, (int)reader.BytesConsumed - start), type);
        }

        return members;
    }

    private static string? SystemPrompt(GatewayRequest request, ProviderTarget target, Dictionary<string, Member> members)
    {
        var prompt = request.Profile.SystemPrompt;
        var wantsJson = target.Sampling.WantsJson && !members.ContainsKey("output_config") && !members.ContainsKey("output_format");
        return !wantsJson ? prompt : string.IsNullOrEmpty(prompt) ? AnswerJson : $"{prompt}\n\n{AnswerJson}";
    }

    /// <summary>The profile's prompt comes first, the client's own behind it.</summary>
    private static void SpliceSystem(
        BodySplicer splicer, Dictionary<string, Member> members, int membersStart, ReadOnlySpan<byte> body, string? prompt)
    {
        if (string.IsNullOrEmpty(prompt))
        {
            return;
        }

        members.TryGetValue("system", out var own);
        switch (own.Type)
        {
            case JsonTokenType.String:
                var quoted = Quote(prompt + "\n\n");
                splicer.Replace(new JsonRange(own.Value.Start, 1), quoted[..^1]);
                break;
            case JsonTokenType.StartArray:
                var isEmpty = body[(own.Value.Start + 1)..(own.Value.End - 1)].Trim(" \t\r\n"u8).IsEmpty;
                splicer.Insert(own.Value.Start + 1, [.. """{"type":"text","text":"""u8, .. Quote(prompt), .. isEmpty ? "}"u8 : "},"u8]);
                break;
            default:
                Put(splicer, members, membersStart, "system", Quote(prompt));
                break;
        }
    }

    private static void Fill(BodySplicer splicer, Dictionary<string, Member> members, int membersStart, string name, string? value)
    {
        if (value is not null && (!members.TryGetValue(name, out var own) || own.Type == JsonTokenType.Null))
        {
            Put(splicer, members, membersStart, name, Encoding.UTF8.GetBytes(value));
        }
    }

    /// <summary>Takes the place of the member's value, or adds the member: another one always follows.</summary>
    private static void Put(BodySplicer splicer, Dictionary<string, Member> members, int membersStart, string name, byte[] value)
    {
        if (members.TryGetValue(name, out var own))
        {
            splicer.Replace(own.Value, value);
        }
        else
        {
            splicer.Insert(membersStart, [.. Encoding.ASCII.GetBytes($"\"{name}\":"), .. value, (byte)',']);
        }
    }

    /// <summary>OpenAI's temperature goes to 2, Anthropic's to 1.</summary>
    private static string? InRange(string? temperature) =>
        temperature is not null && double.TryParse(temperature, CultureInfo.InvariantCulture, out var value) && value > 1 ? "1" : temperature;

    private static byte[] Quote(string text) =>
        [(byte)'"', .. JsonEncodedText.Encode(text, JavaScriptEncoder.UnsafeRelaxedJsonEscaping).EncodedUtf8Bytes, (byte)'"'];

    private readonly record struct Member(JsonRange Value, JsonTokenType Type);
}
