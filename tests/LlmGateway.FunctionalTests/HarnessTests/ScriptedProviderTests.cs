using System.Net;
using System.Text;
using LlmGateway.FunctionalTests.Infrastructure;

namespace LlmGateway.FunctionalTests.HarnessTests;

/// <summary>The scripted provider does to its caller what a script says, and says what its caller did.</summary>
public sealed class ScriptedProviderTests
{
    private const string ChatBody = """{"model":"m","messages":[{"role":"user","content":"hi"}]}""";
    private const string StreamBody = """{"model":"m","stream":true,"messages":[{"role":"user","content":"hi"}]}""";

    private static readonly HttpClient Client = new(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false, AutomaticDecompression = DecompressionMethods.None })
    {
        Timeout = TimeSpan.FromSeconds(30),
    };

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_json_script_is_answered_and_the_request_is_recorded()
    {
        await using var provider = ScriptedProvider.OpenAi().Answers(Script.Json("""{"a":1}""", 200, ("x-one", "1")));

        using var response = await PostAsync(provider, ChatBody);

        Assert.Equal("""{"a":1}""", await response.Content.ReadAsStringAsync(Cancellation));
        Assert.Equal("1", response.Headers.GetValues("x-one").Single());
        var request = Assert.Single(provider.Requests);
        Assert.Equal(("POST", "/v1/chat/completions", ChatBody), (request.Method, request.Path, request.Text));
        Assert.Equal("application/json; charset=utf-8", request.Header("content-type"));
    }

    [Fact]
    public async Task Two_requests_on_one_connection_get_their_own_scripts()
    {
        await using var provider = ScriptedProvider.OpenAi().Answers(Script.Json("1"), OpenAiReplies.Stream("a", "b"), Script.Json("3"));

        Assert.Equal("1", await ReadAsync(await PostAsync(provider, ChatBody)));
        Assert.EndsWith("data: [DONE]\n\n", await ReadAsync(await PostAsync(provider, StreamBody)), StringComparison.Ordinal);
        Assert.Equal("3", await ReadAsync(await PostAsync(provider, ChatBody)));

        Assert.Equal(1, provider.ConnectionCount);
    }

    [Fact]
    public async Task Events_pass_a_gate_only_when_the_test_lets_them()
    {
        var gate = new Gate();
        await using var provider = ScriptedProvider.OpenAi().Answers(Script.Sse("one").WaitFor(gate).Event("two").Done());

        using var response = await PostAsync(provider, StreamBody);
        await using var reader = await SseReader.OpenAsync(response, Cancellation);
        Assert.Equal("one", (await reader.NextAsync())!.Data);
        await gate.Reached;
        var next = reader.NextAsync();
        Assert.False(next.IsCompleted);
        gate.Release();

        Assert.Equal("two", (await next)!.Data);
        Assert.True((await reader.NextAsync())!.IsDone);
        Assert.Null(await reader.NextAsync());
        Assert.Equal(2, provider.Requests[0].Tally.EventsSent);
    }

    [Fact]
    public async Task A_reset_and_an_early_end_are_told_apart()
    {
        await using var provider = ScriptedProvider.OpenAi()
            .Answers(Script.Sse("one").Fin(), Script.Sse("one").PartOfChunk(100, "data: tw").Reset());

        using var cut = await PostAsync(provider, StreamBody);
        var fin = await Assert.ThrowsAnyAsync<HttpRequestException>(() => cut.Content.ReadAsByteArrayAsync(Cancellation));
        Assert.IsType<HttpIOException>(fin.InnerException);
        using var reset = await PostAsync(provider, StreamBody);
        var rst = await Assert.ThrowsAnyAsync<HttpRequestException>(() => reset.Content.ReadAsByteArrayAsync(Cancellation));
        Assert.IsNotType<HttpIOException>(rst.InnerException);
    }

    [Fact]
    public async Task The_peers_close_is_seen_while_the_script_waits()
    {
        var gate = new Gate();
        await using var provider = ScriptedProvider.OpenAi().Answers(Script.Sse("one").WaitFor(gate));

        var response = await PostAsync(provider, StreamBody);
        var request = await provider.WaitForRequestAsync();
        Assert.False(request.HasPeerClosed);
        response.Dispose();

        var closedAt = await request.WaitForPeerCloseAsync();
        Assert.True(closedAt > request.ReceivedAt);
        gate.Release();
    }

    [Fact]
    public async Task A_blackhole_never_answers()
    {
        await using var provider = ScriptedProvider.OpenAi().Answers(Script.NeverAnswer());
        using var impatience = new CancellationTokenSource();

        var sent = Client.PostAsync(new Uri(provider.BaseUrl + "/v1/chat/completions"), JsonContent(ChatBody), impatience.Token);
        var request = await provider.WaitForRequestAsync();
        await impatience.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sent);
        await request.WaitForPeerCloseAsync();
    }

    [Fact]
    public async Task Dripped_and_odd_answers_arrive_as_written()
    {
        await using var provider = ScriptedProvider.OpenAi().Answers(
            new Script().Drip().Interim(103, 3).Head(200, "text/event-stream", BodyFraming.Chunked).Event("é"),
            Script.Raw("HTTP/1.1 429 Slow\r\ncontent-length: 2\r\nretry-after: 7\r\n\r\n{}"),
            Script.Whole(200, "text/html", "<html>"u8.ToArray()),
            Script.Json("", 200),
            Script.Json("", 302, ("location", "http://127.0.0.1:1/")),
            new Script().Head(200, "application/json", BodyFraming.Close).Fill(100_000));

        Assert.Equal("data: é\n\n", await ReadAsync(await PostAsync(provider, StreamBody)));
        Assert.Equal(429, (int)(await PostAsync(provider, ChatBody)).StatusCode);
        Assert.Equal("<html>", await ReadAsync(await PostAsync(provider, ChatBody)));
        Assert.Equal("", await ReadAsync(await PostAsync(provider, ChatBody)));
        Assert.Equal(302, (int)(await PostAsync(provider, ChatBody)).StatusCode);
        Assert.Equal(100_000, (await ReadAsync(await PostAsync(provider, ChatBody))).Length);
    }

    [Fact]
    public async Task An_answer_may_come_before_the_body()
    {
        await using var provider = ScriptedProvider.Anything().Answers(Script.Json("{}", 413).BeforeBody(), new Script().BeforeBody().ReadBody().Head(200, "application/json", BodyFraming.Length, ("content-length", "0")));

        using var early = await PostAsync(provider, new string('x', 3_000_000));
        using var late = await PostAsync(provider, new string('x', 3_000_000));

        Assert.Equal((413, 200), ((int)early.StatusCode, (int)late.StatusCode));
        Assert.Null(provider.Requests[0].Body);
        Assert.Equal(3_000_000, provider.Requests[1].Body!.Length);
    }

    [Fact]
    public async Task A_chunked_request_body_is_decoded()
    {
        await using var provider = ScriptedProvider.OpenAi().Answers(Script.Json("{}"));
        using var content = new StreamContent(new MemoryStream(Encoding.UTF8.GetBytes(ChatBody)));
        content.Headers.TryAddWithoutValidation("content-type", "application/json");
        using var request = new HttpRequestMessage(HttpMethod.Post, provider.BaseUrl + "/v1/chat/completions") { Content = content };
        request.Headers.TransferEncodingChunked = true;

        using var response = await Client.SendAsync(request, Cancellation);

        Assert.Equal(200, (int)response.StatusCode);
        Assert.Equal(ChatBody, provider.Requests[0].Text);
    }

    [Fact]
    public async Task A_request_that_holds_anothers_secret_is_a_violation()
    {
        var provider = ScriptedProvider.OpenAi().ForbidsSecrets("sk-other").Answers(Script.Json("{}"), Script.Json("{}"));
        using var request = new HttpRequestMessage(HttpMethod.Post, provider.BaseUrl + "/v1/chat/completions") { Content = JsonContent(ChatBody) };
        request.Headers.Add("x-stray", "sk-other");

        using var response = await Client.SendAsync(request, Cancellation);
        using var inBody = await PostAsync(provider, ChatBody.Replace("hi", "sk-other", StringComparison.Ordinal));

        Assert.Equal(2, provider.Violations.Count);
        await Assert.ThrowsAsync<InvalidOperationException>(() => provider.DisposeAsync().AsTask());
    }

    [Fact]
    public async Task A_request_without_a_script_is_a_violation()
    {
        var provider = ScriptedProvider.OpenAi();

        using var response = await PostAsync(provider, ChatBody);

        Assert.Equal(404, (int)response.StatusCode);
        Assert.Single(provider.Violations);
        await Assert.ThrowsAsync<InvalidOperationException>(() => provider.DisposeAsync().AsTask());
    }

    [Fact]
    public async Task A_closed_port_refuses()
    {
        using var port = new ClosedPort();

        var refused = await Assert.ThrowsAsync<HttpRequestException>(() => Client.GetAsync(new Uri(port.BaseUrl), Cancellation));

        Assert.Equal(HttpRequestError.ConnectionError, refused.HttpRequestError);
    }

    private static Task<HttpResponseMessage> PostAsync(ScriptedProvider provider, string body)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, provider.BaseUrl + "/v1/chat/completions") { Content = JsonContent(body) };
        return Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Cancellation);
    }

    private static async Task<string> ReadAsync(HttpResponseMessage response)
    {
        using (response)
        {
            return await response.Content.ReadAsStringAsync(Cancellation);
        }
    }

    private static StringContent JsonContent(string body) => new(body, Encoding.UTF8, "application/json");
}
