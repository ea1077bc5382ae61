using System.Text.Json;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Routing;

/// <summary>
/// Reads which of two answers an evaluator prefers: out of its scores, or out of a plain word that names the winner. What is not plain is no
/// verdict; nobody guesses.
/// </summary>
internal static class EvaluatorVerdict
{
    private static readonly string[] Labels = ["winner:", "winner", "answer_", "answer-", "answer", "candidate", "response", "option"];

    /// <summary>0 for the first answer, 1 for the second; null where the text is no verdict. Equal scores are the first's.</summary>
    public static int? Read(string text)
    {
        var plain = WithoutFence(text.Trim());
        return ReadName(plain) ?? ReadObject(plain);
    }

    private static string WithoutFence(string text)
    {
        const string Fence = "```";
        var start = text.IndexOf(Fence, StringComparison.Ordinal);
        var line = start < 0 ? -1 : text.IndexOf('\n', start);
        var end = line < 0 ? -1 : text.IndexOf(Fence, line, StringComparison.Ordinal);
        return end < 0 ? text.Trim('`').Trim() : text[(line + 1)..end].Trim();
    }

    /// <summary>The object that the text holds, however much is said around it.</summary>
    private static int? ReadObject(string text)
    {
        var (start, end) = (text.IndexOf('{', StringComparison.Ordinal), text.LastIndexOf('}'));
        if (start < 0 || end < start)
        {
            return null;
        }

        try
        {
            using var document = JsonDocument.Parse(text[start..(end + 1)], OpenAiJson.Reading);
            return ReadScores(document.RootElement) ?? ReadWinner(document.RootElement);
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    private static int? ReadScores(JsonElement verdict)
    {
        if (verdict.Find("scores"u8) is not { ValueKind: JsonValueKind.Array } scores || scores.GetArrayLength() != 2)
        {
            return null;
        }

        return (Score(scores[0]), Score(scores[1])) is ({ } first, { } second) ? second > first ? 1 : 0 : null;
    }

    private static double? Score(JsonElement score) =>
        score.ValueKind == JsonValueKind.Number && score.TryGetDouble(out var number) && double.IsFinite(number) && number >= 0 ? number : null;

    private static int? ReadWinner(JsonElement verdict) => verdict.Find("winner"u8) switch
    {
        { ValueKind: JsonValueKind.String } name => ReadName(name.GetString()!),
        { ValueKind: JsonValueKind.Number } number => ReadName(number.GetRawText()),
        _ => null,
    };

    private static int? ReadName(string text)
    {
        var name = text.Trim(' ', '\t', '\r', '\n', '"', '\'', '*', '_', '.', '(', ')', '[', ']').ToLowerInvariant();
        foreach (var label in Labels)
        {
            if (name.StartsWith(label, StringComparison.Ordinal))
            {
                name = name[label.Length..].TrimStart(' ', ':', '*', '"');
            }
        }

        return name switch
        {
            "1" or "a" => 0,
            "2" or "b" => 1,
            _ => null,
        };
    }
}
