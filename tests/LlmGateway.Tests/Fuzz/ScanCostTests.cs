using System.Text;
using LlmGateway.Api;

namespace LlmGateway.Tests.Fuzz;

/// <summary>
/// What a request costs before anything is known of it. Alone: the compiler optimises what is measured only when no other test brings it
/// new methods.
/// </summary>
[Collection(nameof(AloneCollection))]
public sealed class ScanCostTests(ITestOutputHelper output)
{
    /// <summary>In milliseconds of the thread's time (Q19).</summary>
    private const double MostPerMegabyte = 50;

    private const int Tries = 5;

    /// <summary>While a megabyte takes long: the compiler works in the background, once it gets a core.</summary>
    private const int MostTries = 200;

    /// <summary>JSON costs in proportion to its size, whatever it is made of.</summary>
    [Theory]
    [InlineData("keys")]
    [InlineData("escaped keys")]
    [InlineData("objects")]
    [InlineData("numbers")]
    [InlineData("escapes")]
    [InlineData("depth")]
    [InlineData("parts")]
    [InlineData("text")]
    public void A_megabyte_costs_little(string what)
    {
        var (small, large) = (Body(what, 100_000), Body(what, 1_000_000));

        var (perMegabyte, perSmallMegabyte) = (Measure(large), Measure(small));

        output.WriteLine(FormattableString.Invariant($"Q19: {what}: {perMegabyte:0.0} ms for a megabyte ({perSmallMegabyte:0.0} ms in pieces of a tenth)"));
        Assert.True(perMegabyte < MostPerMegabyte, FormattableString.Invariant($"{what}: {perMegabyte:0.0} ms for a megabyte"));
    }

    /// <summary>Milliseconds for a megabyte in the best of some scans.</summary>
    private static double Measure(byte[] body)
    {
        var best = double.MaxValue;
        for (var i = 0; i < Tries || (i < MostTries && best >= MostPerMegabyte); i++)
        {
            var start = ThreadTime.Now;
            RequestScanner.ScanChat(body);
            best = Math.Min(best, (ThreadTime.Now - start).TotalMilliseconds * 1_000_000 / body.Length);
        }

        return best;
    }

    private static byte[] Body(string what, int size) => Encoding.UTF8.GetBytes(what switch
    {
        "keys" => "{" + string.Join(',', Enumerable.Range(0, size / 11).Select(i => $"\"k{i}\":1")) + ",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}",
        "escaped keys" => "{" + string.Join(',', Enumerable.Range(0, size / 16).Select(i => $"\"\\u006b{i}\":1")) + ",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}",
        "objects" => "{\"x\":[" + string.Join(',', Enumerable.Repeat("{" + string.Join(',', Enumerable.Range(0, 30).Select(i => $"\"k{i}\":1")) + "}", size / 208)) + "],\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}",
        "numbers" => "{\"x\":[" + string.Join(',', Enumerable.Repeat("1e308", size / 6)) + "],\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}",
        "escapes" => "{\"messages\":[{\"role\":\"user\",\"content\":\"" + string.Concat(Enumerable.Repeat("\\u00e9", size / 6)) + "\"}]}",
        "depth" => "{\"x\":" + new string('[', size / 2) + new string(']', size / 2) + "}",
        "parts" => "{\"messages\":[{\"role\":\"user\",\"content\":[" + string.Join(',', Enumerable.Repeat("{\"type\":\"text\",\"text\":\"x\"}", size / 27)) + "]}]}",
        _ => "{\"messages\":[{\"role\":\"user\",\"content\":\"" + new string('x', size) + "\"}]}",
    });
}
