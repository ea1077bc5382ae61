using System.Text;
using System.Text.Json;
using LlmGateway.Model;
using LlmGateway.Providers;

namespace LlmGateway.Tests.Providers;

public sealed class MockHandlerTests
{
    private const string Chat = """{"model":"m1","messages":[{"role":"user","content":"old"},{"role":"assistant","content":"x"},{"role":"user","content":"hello there"}]}""";
    private const string Streamed = """{"model":"m1","stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"hi"}]}""";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Send_Healthy_RepeatsTheLastUserMessage()
    {
        using var response = await SendAsync(MockBehavior.Healthy, Chat);

        using var reply = JsonDocument.Parse(await response.Content.ReadAsByteArrayAsync(Cancellation));
        Assert.Equal("m1", reply.RootElement.GetProperty("model").GetString());
        Assert.Equal("Mock response to: hello there", Content(reply));
        Assert.True(reply.RootElement.GetProperty("usage").GetProperty("completion_tokens").GetInt32() > 0);
        Assert.NotNull(response.Content.Headers.ContentLength);
    }

    [Theory]
    [InlineData("""{"messages":[{"role":"user","content":[{"type":"text","text":"a"},{"type":"image_url","image_url":{"url":"x"}},{"type":"text","text":"b"}]}]}""", "Mock response to: a\nb")]
    [InlineData("""{"messages":[{"role":"system","content":"a"}]}""", "Mock response to: ")]
    [InlineData("""{"messages":[]}""", "Mock response to: ")]
    public async Task Send_OtherMessages_RepeatsTheirText(string request, string expected)
    {
        using var response = await SendAsync(MockBehavior.Healthy, request);

        using var reply = JsonDocument.Parse(await response.Content.ReadAsByteArrayAsync(Cancellation));
        Assert.Equal(expected, Content(reply));
    }

    [Fact]
    public async Task Send_Streaming_GivesWordByWordThenUsageThenDone()
    {
        using var response = await SendAsync(MockBehavior.Healthy, Streamed);

        var events = Events(await response.Content.ReadAsStringAsync(Cancellation));

        Assert.Equal("text/event-stream", response.Content.Headers.ContentType!.MediaType);
        Assert.Equal(["", "Mock ", "response ", "to: ", "hi", "finish", "usage", "[DONE]"], events);
    }

    [Fact]
    public async Task Send_StatusWithRetryAfter_AnswersOpenAisError()
    {
        using var response = await SendAsync(new MockBehavior { Status = 429, RetryAfterSeconds = 7 }, Chat);

        using var reply = JsonDocument.Parse(await response.Content.ReadAsByteArrayAsync(Cancellation));
        Assert.Equal(429, (int)response.StatusCode);
        Assert.Equal("7", Assert.Single(response.Headers.GetValues("retry-after")));
        Assert.Equal("rate_limit_error", reply.RootElement.GetProperty("error").GetProperty("type").GetString());
    }

    [Fact]
    public async Task Send_Reply_IsSaid()
    {
        using var response = await SendAsync(new MockBehavior { Reply = "世界 🙂" }, Chat);

        using var reply = JsonDocument.Parse(await response.Content.ReadAsByteArrayAsync(Cancellation));
        Assert.Equal("世界 🙂", Content(reply));
    }

    [Fact]
    public async Task Send_Connection_FailsAsARefusedSocket()
    {
        var error = await Assert.ThrowsAsync<HttpRequestException>(() => SendAsync(new MockBehavior { Fail = MockFailure.Connection }, Chat));

        Assert.Equal(HttpRequestError.ConnectionError, error.HttpRequestError);
    }

    [Fact]
    public async Task Send_Timeout_WaitsUntilCancelled()
    {
        using var cancellation = new CancellationTokenSource();
        var answer = SendAsync(new MockBehavior { Fail = MockFailure.Timeout }, Chat, cancellation: cancellation);

        Assert.False(answer.IsCompleted);
        await cancellation.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => answer);
    }

    [Theory]
    [InlineData(Chat)]
    [InlineData(Streamed)]
    public async Task Read_Cut_BreaksOffInTheMiddle(string request)
    {
        using var response = await SendAsync(new MockBehavior { Fail = MockFailure.Cut }, request);
        await using var body = await response.Content.ReadAsStreamAsync(Cancellation);
        var read = new MemoryStream();

        var error = await Assert.ThrowsAsync<HttpIOException>(() => body.CopyToAsync(read, Cancellation));

        Assert.Equal(HttpRequestError.ResponseEnded, error.HttpRequestError);
        Assert.Contains("Mock ", Encoding.UTF8.GetString(read.ToArray()), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Read_Stall_IsSilentAfterTheFirstTokenUntilCancelled()
    {
        using var response = await SendAsync(new MockBehavior { Fail = MockFailure.Stall }, Streamed);
        await using var body = await response.Content.ReadAsStreamAsync(Cancellation);
        using var cancellation = new CancellationTokenSource();
        var buffer = new byte[4096];
        var first = await body.ReadAsync(buffer, Cancellation);
        first += await body.ReadAsync(buffer.AsMemory(first), Cancellation);

        var silence = body.ReadAsync(Memory<byte>.Empty, cancellation.Token).AsTask();

        Assert.EndsWith("\"Mock \"},\"logprobs\":null,\"finish_reason\":null}],\"usage\":null}\n\n", Encoding.UTF8.GetString(buffer, 0, first), StringComparison.Ordinal);
        Assert.False(silence.IsCompleted);
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => silence);
    }

    [Fact]
    public async Task Read_NoBytes_WaitsForThePauseAndTakesNothing()
    {
        var time = new MockTime();
        using var response = await SendAsync(new MockBehavior { ChunkDelay = TimeSpan.FromSeconds(5) }, Streamed, time);
        await using var body = await response.Content.ReadAsStreamAsync(Cancellation);
        var buffer = new byte[4096];
        _ = await body.ReadAsync(buffer, Cancellation);

        var wait = body.ReadAsync(Memory<byte>.Empty, Cancellation).AsTask();
        Assert.False(wait.IsCompleted);
        time.Fire();

        Assert.Equal(0, await wait);
        Assert.True(await body.ReadAsync(buffer, Cancellation) > 0);
    }

    [Theory]
    [InlineData(MockFailure.Garbage, Chat, "<html>mock</html>")]
    [InlineData(MockFailure.Garbage, Streamed, "data: <html>mock</html>\n\n")]
    [InlineData(MockFailure.Empty, Chat, "")]
    [InlineData(MockFailure.Empty, Streamed, "")]
    public async Task Send_NoAnswer_Is200(MockFailure failure, string request, string expected)
    {
        using var response = await SendAsync(new MockBehavior { Fail = failure }, request);

        Assert.Equal(200, (int)response.StatusCode);
        Assert.Equal(expected, await response.Content.ReadAsStringAsync(Cancellation));
    }

    [Theory]
    [InlineData(Chat, "{\"error\":{")]
    [InlineData(Streamed, "data: {\"error\":{")]
    public async Task Send_ErrorInStream_IsTheFirstThingIn200(string request, string start)
    {
        using var response = await SendAsync(new MockBehavior { Fail = MockFailure.ErrorInStream }, request);

        Assert.Equal(200, (int)response.StatusCode);
        Assert.StartsWith(start, await response.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Send_Models_ListsOne()
    {
        using var invoker = new HttpMessageInvoker(new MockHandler(MockBehavior.Healthy, GoldenTime.Instance));
        using var request = new HttpRequestMessage(HttpMethod.Get, "http://mock/v1/models");

        using var response = await invoker.SendAsync(request, Cancellation);

        using var reply = JsonDocument.Parse(await response.Content.ReadAsByteArrayAsync(Cancellation));
        Assert.Equal("mock", reply.RootElement.GetProperty("data")[0].GetProperty("id").GetString());
    }

    [Theory]
    [InlineData("/v1/files", Chat, 404)]
    [InlineData("/v1/embeddings", Chat, 400)]
    [InlineData("/v1/chat/completions", "[]", 400)]
    [InlineData("/v1/chat/completions", "{", 400)]
    public async Task Send_NoChatRequest_IsRefused(string path, string body, int status)
    {
        using var response = await SendAsync(MockBehavior.Healthy, body, path: path);

        Assert.Equal(status, (int)response.StatusCode);
    }

    private static async Task<HttpResponseMessage> SendAsync(
        MockBehavior behavior, string body, TimeProvider? time = null, string path = "/v1/chat/completions", CancellationTokenSource? cancellation = null)
    {
        using var invoker = new HttpMessageInvoker(new MockHandler(behavior, time ?? GoldenTime.Instance));
        using var request = new HttpRequestMessage(HttpMethod.Post, "http://mock" + path) { Content = new StringContent(body) };
        return await invoker.SendAsync(request, cancellation?.Token ?? Cancellation);
    }

    private static string? Content(JsonDocument reply) =>
        reply.RootElement.GetProperty("choices")[0].GetProperty("message").GetProperty("content").GetString();

    private static List<string> Events(string stream) => [.. stream.Split("\n\n", StringSplitOptions.RemoveEmptyEntries).Select(Describe)];

    private static string Describe(string text)
    {
        var data = text["data: ".Length..];
        if (data[0] != '{')
        {
            return data;
        }

        using var document = JsonDocument.Parse(data);
        var choices = document.RootElement.GetProperty("choices");
        if (choices.GetArrayLength() == 0)
        {
            return "usage";
        }

        return choices[0].GetProperty("delta").TryGetProperty("content", out var content) ? content.GetString()! : choices[0].GetProperty("finish_reason").ValueKind == JsonValueKind.String ? "finish" : "nothing";
    }

    /// <summary>A clock whose timers go off when they are told to.</summary>
    private sealed class MockTime : TimeProvider
    {
        private readonly List<(TimerCallback Callback, object? State)> _timers = [];

        public void Fire() => _timers.ForEach(timer => timer.Callback(timer.State));

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            _timers.Add((callback, state));
            return new Timer();
        }

        private sealed class Timer : ITimer
        {
            public bool Change(TimeSpan dueTime, TimeSpan period) => true;

            public void Dispose()
            {
            }

            public ValueTask DisposeAsync() => ValueTask.CompletedTask;
        }
    }
}
