using System.Globalization;
using System.Text;
using System.Text.Json;
using LlmGateway.Api;

namespace LlmGateway.Tests.Api;

public sealed class DuplicateNamesTests
{
    private const int Bodies = 4_000;
    private const int Seed = 20_261_121;

    /// <summary>Small objects and large ones in one another, names plain, escaped and of odd and even length: what a strict parser takes is taken, what it refuses is refused.</summary>
    [Fact]
    public void CheckObject_AnyObjects_FindsTheDuplicatesThatAParserFinds()
    {
        var random = new Random(Seed);
        var (taken, refused) = (0, 0);
        for (var i = 0; i < Bodies; i++)
        {
            var body = new StringBuilder();
            Write(body, random, depth: 0);
            var json = Encoding.UTF8.GetBytes(body.ToString());

            var isTaken = RequestScanner.CheckObject(json) is null;

            Assert.True(IsTakenByParser(json) == isTaken, $"Body {i} of seed {Seed}: {body}");
            _ = isTaken ? taken++ : refused++;
        }

        Assert.True(Math.Min(taken, refused) > Bodies / 10, $"{taken} taken, {refused} refused");
    }

    /// <summary>Names that were large objects' are free again in the next one.</summary>
    [Fact]
    public void CheckObject_TheSameNamesInManyLargeObjects_AreNoDuplicates()
    {
        var large = "{" + string.Join(',', Enumerable.Range(0, 100).Select(i => $"\"n{i}\":{{\"n{i}\":1}}")) + "}";

        Assert.Null(RequestScanner.CheckObject(Encoding.UTF8.GetBytes($"{{\"x\":[{string.Join(',', Enumerable.Repeat(large, 50))}]}}")));
        Assert.NotNull(RequestScanner.CheckObject(Encoding.UTF8.GetBytes($"{{\"x\":[{large},{large[..^1]},\"n7\":1}}]}}")));
    }

    private static void Write(StringBuilder body, Random random, int depth)
    {
        var count = random.Next(3) switch { 0 => random.Next(4), 1 => random.Next(20, 30), _ => random.Next(60) };
        body.Append('{');
        for (var i = 0; i < count; i++)
        {
            // One in two hundred is drawn from the names that stand there already.
            var number = random.Next(200) == 0 ? random.Next(i + 1) : i;
            body.Append(i == 0 ? "" : ",").Append('"');
            foreach (var letter in string.Create(CultureInfo.InvariantCulture, $"ä{number * 7}"))
            {
                body.Append(random.Next(8) == 0 ? $"\\u{(int)letter:x4}" : letter);
            }

            body.Append("\":");
            if (depth < 3 && random.Next(20) == 0)
            {
                Write(body, random, depth + 1);
            }
            else
            {
                body.Append('1');
            }
        }

        body.Append('}');
    }

    private static bool IsTakenByParser(byte[] json)
    {
        try
        {
            using var document = JsonDocument.Parse(json, new JsonDocumentOptions { AllowDuplicateProperties = false });
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
