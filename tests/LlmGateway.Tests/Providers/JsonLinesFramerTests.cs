using System.Text;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Tests.Providers;

public sealed class JsonLinesFramerTests
{
    [Theory]
    [InlineData("{\"a\":1}\n{\"b\":2}\n", "{\"a\":1}|{\"b\":2}")]
    [InlineData("{\"a\":1}\r\n\r\n\n{\"b\":2}\r\n", "{\"a\":1}|{\"b\":2}")]
    [InlineData("\n\n{\"é\":\"世🙂\"}", "{\"é\":\"世🙂\"}")]
    [InlineData("  {\"a\":1} \n   \n", "{\"a\":1}")]
    [InlineData("", "")]
    public void TryRead_HoweverTheStreamIsCut_GivesTheSameLines(string stream, string expected)
    {
        var bytes = Encoding.UTF8.GetBytes(stream);

        Assert.Equal(expected, Read(bytes, []));
        for (var cut = 1; cut < bytes.Length; cut++)
        {
            Assert.Equal(expected, Read(bytes, [cut]));
        }

        Assert.Equal(expected, Read(bytes, Enumerable.Range(1, Math.Max(0, bytes.Length - 1))));
    }

    private static string Read(byte[] stream, IEnumerable<int> cuts) =>
        string.Join('|', SseFramerDriver.Read(new JsonLinesFramer(), stream, cuts, wireEvent => Encoding.UTF8.GetString(wireEvent.Data)));
}
