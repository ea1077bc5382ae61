using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace LlmGateway.Tests.Providers;

/// <summary>Compares JSON and server-sent events by meaning: the order of members, blanks and escapes do not count, generated ids are all one.</summary>
internal static partial class GoldenText
{
    public static void AssertSameJson(byte[] expected, byte[] actual)
    {
        var (left, right) = (Parse(expected), Parse(actual));
        Assert.True(JsonNode.DeepEquals(left, right), $"expected {left?.ToJsonString()}\nactual   {right?.ToJsonString()}");
    }

    public static void AssertSameEvents(byte[] expected, byte[] actual)
    {
        var (left, right) = (Events(expected), Events(actual));
        for (var i = 0; i < Math.Max(left.Count, right.Count); i++)
        {
            var (wanted, got) = (left.ElementAtOrDefault(i) ?? "nothing", right.ElementAtOrDefault(i) ?? "nothing");
            var isSame = wanted == got || (wanted[0] == '{' && got[0] == '{' && JsonNode.DeepEquals(JsonNode.Parse(wanted), JsonNode.Parse(got)));
            Assert.True(isSame, $"event {i}: expected {wanted}\nactual   {got}");
        }
    }

    private static JsonNode? Parse(byte[] json) => JsonNode.Parse(Normalise(json));

    private static List<string> Events(byte[] stream) =>
        [.. Normalise(stream).ReplaceLineEndings("\n").Split("\n\n", StringSplitOptions.RemoveEmptyEntries).Where(part => part[0] != ':').Select(part => part["data: ".Length..].Trim())];

    private static string Normalise(byte[] text) => GeneratedId().Replace(Encoding.UTF8.GetString(text), "$1-generated");

    [GeneratedRegex("(?<=\")(chatcmpl|call)[-_](?:[0-9a-f]{32}|generated)(?=\")")]
    private static partial Regex GeneratedId();
}
