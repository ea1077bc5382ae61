using System.Text;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Tests.Providers;

public sealed class SseFramerTests
{
    [Theory]
    [InlineData("data: a\n\ndata: b\n\n", "a|b")]
    [InlineData("data: a\r\n\r\ndata: b\r\n\r\n", "a|b")]
    [InlineData("data: a\r\rdata: b\r\r", "a|b")]
    [InlineData("data: a\r\n\ndata: b\n\r\n", "a|b")]
    [InlineData("\uFEFFdata: é世🙂\n\n", "é世🙂")]
    [InlineData("data:a\n\ndata:  b\n\ndata\n\n", "a| b|")]
    [InlineData("data: a\ndata: b\ndata:\ndata: c\n\n", "a\nb\n\nc")]
    [InlineData("event: x\r\ndata: a\r\ndata: b\r\n\r\ndata: c\r\n\r\n", "x=a\nb|c")]
    [InlineData("event: x\rdata: a\rdata: b\r\rdata: c\r\r", "x=a\nb|c")]
    [InlineData("\n\r\n\ndata: a\n\n\n\n", "a")]
    [InlineData(": ping\n\ndata: a\n\n", "|a")]
    [InlineData("id: 7\nretry: 5\nevent: error\ndata: a\n: note\n\n", "error=a")]
    [InlineData("data: a\n\ndata: [DONE]", "a|[DONE]")]
    [InlineData("data: a\n\ndata: b\n", "a|b")]
    [InlineData("data: a\n\ndata: b\r", "a|b")]
    [InlineData("", "")]
    public void TryRead_HoweverTheStreamIsCut_GivesTheSameEvents(string stream, string expected)
    {
        var bytes = Encoding.UTF8.GetBytes(stream);

        Assert.Equal(expected, Read(bytes, []));
        for (var cut = 1; cut < bytes.Length; cut++)
        {
            Assert.Equal(expected, Read(bytes, [cut]));
        }

        Assert.Equal(expected, Read(bytes, Enumerable.Range(1, Math.Max(0, bytes.Length - 1))));
    }

    [Fact]
    public void TryRead_Always_GivesEveryByteOfAnEventAsRaw()
    {
        var bytes = "data: a\r\n\r\n: x\n\ndata: b\n\n"u8.ToArray();

        var raw = SseFramerDriver.Read(new SseFramer(), bytes, [3, 9], wireEvent => Encoding.UTF8.GetString(wireEvent.Raw));

        Assert.Equal(["data: a\r\n\r\n", ": x\n\n", "data: b\n\n"], raw);
    }

    [Fact]
    public void TryRead_LongEventInManyReads_ScansItOnce()
    {
        var bytes = new byte[2 * 1024 * 1024];
        "data: "u8.CopyTo(bytes);
        bytes.AsSpan(6).Fill((byte)'x');
        "\n\n"u8.CopyTo(bytes.AsSpan(bytes.Length - 2));
        var framer = new SseFramer();
        WireEvent wireEvent = default;

        var found = false;
        for (var length = 1024; length <= bytes.Length; length += 1024)
        {
            found = framer.TryRead(bytes.AsSpan(0, length), isFinal: false, out wireEvent, out _);
        }

        Assert.True(found);
        Assert.Equal(bytes.Length - 8, wireEvent.Data.Length);
    }

    private static string Read(byte[] stream, IEnumerable<int> cuts) =>
        string.Join('|', SseFramerDriver.Read(new SseFramer(), stream, cuts, wireEvent =>
            (wireEvent.Name.IsEmpty ? "" : Encoding.UTF8.GetString(wireEvent.Name) + "=") + Encoding.UTF8.GetString(wireEvent.Data)));
}
