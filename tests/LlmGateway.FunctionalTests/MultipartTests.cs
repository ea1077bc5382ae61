using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using LlmGateway.FunctionalTests.Infrastructure;

namespace LlmGateway.FunctionalTests;

/// <summary>Uploads in parts, however they are made: the gateway looks into none of them, so that what comes in goes out byte for byte, and a name in it is never a path.</summary>
public sealed class MultipartTests
{
    private const string Boundary = "b";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static TheoryData<string, string> Uploads => new(
        from path in (string[])["/v1/audio/transcriptions", "/v1/files"]
        from what in (string[])["a boundary of dashes", "no boundary", "a long preamble", "many parts", "a path for a name", "line ends in a name", "no end", "half a head"]
        select (path, what));

    [Theory]
    [MemberData(nameof(Uploads))]
    public async Task An_upload_goes_through_byte_for_byte(string path, string what)
    {
        await using var provider = ScriptedProvider.Anything().On("POST " + path, Script.Json("""{"id":"file-1"}"""), Script.Json("""{"id":"marker"}"""));
        await using var gateway = await new GatewayUnderTest().InProduction(provider).StartAsync();
        var before = FilesIn(gateway.Folder.Path);
        var (type, body) = Upload(what);

        var answer = await SendAsync(gateway, path, type, body);
        var marker = await SendAsync(gateway, path, "multipart/form-data; boundary=m", "--m--\r\n"u8.ToArray());

        Assert.Equal((HttpStatusCode.OK, """{"id":"file-1"}"""), answer);
        Assert.Equal((HttpStatusCode.OK, """{"id":"marker"}"""), marker);
        Assert.Equal(2, provider.Requests.Count);
        Assert.True(body.AsSpan().SequenceEqual(provider.Requests[0].Body), $"{what}: {body.Length} bytes were sent, {provider.Requests[0].Body!.Length} came, or others.");
        Assert.Equal((type, body.Length.ToString(CultureInfo.InvariantCulture)), (provider.Requests[0].Header("content-type"), provider.Requests[0].Header("content-length")));
        Assert.Equal("--m--\r\n", provider.Requests[1].Text);
        Assert.Equal(before, FilesIn(gateway.Folder.Path));
    }

    /// <summary>Eight times the parts take about eight times as long, not sixty-four.</summary>
    [Fact]
    public async Task Time_grows_with_the_bytes_and_no_faster()
    {
        await using var provider = ScriptedProvider.Anything().Always("POST /v1/files", _ => Script.Json("{}"));
        await using var gateway = await new GatewayUnderTest().InProduction(provider).StartAsync();
        await TimeAsync(10_000);

        // In turn, the best of each: other work on the machine makes some of them late, but what takes too long takes too long every time.
        var (few, many) = (TimeSpan.MaxValue, TimeSpan.MaxValue);
        for (var i = 0; i < 10 && (i < 3 || many >= Most(few)); i++)
        {
            few = TimeSpan.FromTicks(Math.Min(few.Ticks, (await TimeAsync(10_000)).Ticks));
            many = TimeSpan.FromTicks(Math.Min(many.Ticks, (await TimeAsync(80_000)).Ticks));
        }

        Assert.True(many < Most(few), $"{few.TotalMilliseconds} ms became {many.TotalMilliseconds} ms");
        Assert.Equal(Parts(80_000).Length, provider.Requests[^1].Body!.Length);

        static TimeSpan Most(TimeSpan few) => (few * 24) + TimeSpan.FromMilliseconds(200);

        async Task<TimeSpan> TimeAsync(int parts)
        {
            var body = Parts(parts);
            var start = Stopwatch.GetTimestamp();
            Assert.Equal(HttpStatusCode.OK, (await SendAsync(gateway, "/v1/files", "multipart/form-data; boundary=b", body)).Status);
            return Stopwatch.GetElapsedTime(start);
        }
    }

    [Theory]
    [InlineData("/v1/chat/completions")]
    [InlineData("/v1/completions")]
    [InlineData("/v1/embeddings")]
    [InlineData("/v1/messages")]
    public async Task Where_JSON_is_wanted_parts_are_refused(string path)
    {
        await using var provider = ScriptedProvider.OpenAi();
        await using var gateway = await new GatewayUnderTest().InProduction(provider).StartAsync();

        var (status, text) = await SendAsync(gateway, path, "multipart/form-data; boundary=b", Parts(3));

        Assert.Equal(HttpStatusCode.UnsupportedMediaType, status);
        Assert.Contains("application/json", text, StringComparison.Ordinal);
        Assert.Empty(provider.Requests);
    }

    private static (string Type, byte[] Body) Upload(string what)
    {
        const string Type = "multipart/form-data; boundary=" + Boundary;
        var dashes = new string('-', 10_000);
        return what switch
        {
            "a boundary of dashes" => ("multipart/form-data; boundary=" + dashes, Encoding.ASCII.GetBytes($"--{dashes}\r\n{string.Concat(Enumerable.Repeat(dashes[1..] + "\r\n", 50))}--{dashes}--\r\n")),
            "no boundary" => ("multipart/form-data", Part("file", "a.txt", "text")),
            "a long preamble" => (Type, [.. Encoding.ASCII.GetBytes(new string('-', 1 << 20)), .. Part("file", "a.txt", "text")]),
            "many parts" => (Type, Parts(10_000)),
            "a path for a name" => (Type, Part("../../field", "../../../../etc/cron.d/x", "text")),
            "line ends in a name" => (Type, Part("file", "a\r\nX-Evil: b\r\n\r\n.txt\0", "text")),
            "no end" => (Type, Part("file", "a.txt", new string('x', 100_000))[..^9]),
            _ => (Type, "--b\r\nContent-Disposition: form-data; name=\"fi"u8.ToArray()),
        };
    }

    private static byte[] Parts(int count) => [.. Enumerable.Range(0, count).SelectMany(i => Encoding.ASCII.GetBytes($"--{Boundary}\r\nContent-Disposition: form-data; name=\"f{i}\"\r\n\r\n{i}\r\n")), .. "--b--\r\n"u8];

    private static byte[] Part(string name, string file, string content) =>
        Encoding.UTF8.GetBytes($"--{Boundary}\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"{file}\"\r\nContent-Type: text/plain\r\n\r\n{content}\r\n--{Boundary}--\r\n");

    private static async Task<(HttpStatusCode Status, string Text)> SendAsync(GatewayUnderTest gateway, string path, string type, byte[] body)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new ByteArrayContent(body) };
        request.Content.Headers.TryAddWithoutValidation("Content-Type", type);
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", "sk-client");
        using var response = await gateway.Client.SendAsync(request, Cancellation);
        return (response.StatusCode, await response.Content.ReadAsStringAsync(Cancellation));
    }

    private static string[] FilesIn(string folder) => [.. Directory.GetFiles(folder, "*", SearchOption.AllDirectories).Where(file => !file.StartsWith(Path.Combine(folder, "data"), StringComparison.Ordinal) || Path.GetExtension(file) is not ("" or ".db" or ".db-wal" or ".db-shm" or ".journal" or ".lock")).Order(StringComparer.Ordinal)];
}
