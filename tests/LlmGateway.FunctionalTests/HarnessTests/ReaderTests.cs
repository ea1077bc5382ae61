using System.Text;
using LlmGateway.FunctionalTests.Infrastructure;

namespace LlmGateway.FunctionalTests.HarnessTests;

/// <summary>What the tests read the gateway's output with is itself right, and strict.</summary>
public sealed class ReaderTests
{
    [Fact]
    public async Task Events_names_and_comments_are_told_apart()
    {
        const string Text = ": ping\n\nevent: message\ndata: {\"a\":\ndata: 1}\n\ndata: [DONE]\n\n";
        await using var reader = Reader(Text);

        var events = await reader.ReadToEndAsync();

        Assert.Equal(["{\"a\":\n1}", "[DONE]"], events.Select(read => read.Data));
        Assert.Equal("message", events[0].Name);
        Assert.Equal(["ping"], reader.Comments);
        Assert.Equal(Text, reader.AllText);
    }

    [Fact]
    public async Task A_stream_that_ends_inside_an_event_is_an_error()
    {
        await using var reader = Reader("data: one\n\ndata: tw");

        await Assert.ThrowsAsync<InvalidDataException>(() => reader.ReadToEndAsync());
    }

    [Fact]
    public void Metrics_are_found_by_name_and_labels()
    {
        var page = MetricsPage.Parse("# TYPE a counter\na{x=\"1\",y=\"q\\\"u\"} 2\na{x=\"1\",y=\"b\"} 3.5\nb 1e3\nh_bucket{le=\"+Inf\"} 4\n");

        Assert.Equal(5.5, page.Sum("a", ("x", "1")));
        Assert.Equal(2, page.Value("a", ("y", "q\"u")));
        Assert.Null(page.Value("a", ("y", "none")));
        Assert.Equal(1000, page.Value("b"));
        Assert.Equal(4, page.Value("h_bucket", ("le", "+Inf")));
        Assert.Throws<InvalidDataException>(() => MetricsPage.Parse("a{x=1} 2"));
    }

    [Fact]
    public void A_canary_is_found_in_all_its_shapes()
    {
        var canaries = new Canaries();
        var secret = canaries.New("sk-test");

        canaries.AssertNoCanary("nothing to see");
        foreach (var text in (string[])[secret, "…" + secret[^8..], Convert.ToBase64String(Encoding.UTF8.GetBytes(secret)), Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(Encoding.UTF8.GetBytes(secret)))])
        {
            Assert.ThrowsAny<Exception>(() => canaries.AssertNoCanary("before " + text + " after"));
        }
    }

    [Fact]
    public void Files_change_in_all_three_ways()
    {
        using var folder = new GatewayFolder();
        folder.Rewrite(GatewayFolder.Agents, "1");
        folder.Rewrite(GatewayFolder.Settings, "s");
        foreach (var (index, kind) in ((RewriteKind[])[RewriteKind.InPlace, RewriteKind.AtomicRename, RewriteKind.ConfigMapSwap, RewriteKind.ConfigMapSwap]).Index())
        {
            folder.Rewrite(GatewayFolder.Agents, $"{index}", kind);

            Assert.Equal($"{index}", File.ReadAllText(folder.File(GatewayFolder.Agents)));
            Assert.Equal("s", File.ReadAllText(folder.File(GatewayFolder.Settings)));
        }

        Assert.StartsWith("..data", new FileInfo(folder.File(GatewayFolder.Agents)).LinkTarget, StringComparison.Ordinal);
    }

    private static SseReader Reader(string text) => new(new MemoryStream(Encoding.UTF8.GetBytes(text)));
}
