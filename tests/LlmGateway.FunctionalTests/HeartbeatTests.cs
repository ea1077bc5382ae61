using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using LlmGateway.FunctionalTests.Infrastructure;
using LlmGateway.Resilience;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace LlmGateway.FunctionalTests;

/// <summary>Streams that are open and silent: the client hears a comment every 15 seconds. The gateway's clock runs thirty times as fast.</summary>
public sealed class HeartbeatTests
{
    private const int Speed = 30;
    private const string Ping = ": ping\n\n";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("/v1/chat/completions", """{"model":"m","stream":true,"messages":[{"role":"user","content":"Hi"}]}""")]
    [InlineData("/v1/messages", """{"model":"m","stream":true,"max_tokens":9,"messages":[{"role":"user","content":"Hi"}]}""")]
    [InlineData("/api/chat/message/stream", """{"message":"Hi","use_tools":false}""")]
    public async Task Silent_stream_says_every_fifteen_seconds_that_it_lives(string path, string body)
    {
        await using var stage = await StageAsync();
        var gate = new Gate();
        stage.First.Answers(Half().WaitFor(gate).Event(OpenAiReplies.ContentChunk("two")).Event(OpenAiReplies.FinishChunk()).Done());
        using var response = await stage.Gateway.OpenStreamAsync(path, body, ("Authorization", "Bearer " + stage.ClientKey));
        await using var stream = await response.Content.ReadAsStreamAsync(Cancellation);

        var start = Stopwatch.GetTimestamp();
        var text = await ReadUntilAsync(stream, seen => Count(seen) == 3);
        var silence = Stopwatch.GetElapsedTime(start) * Speed;
        gate.Release();
        text += await ReadUntilAsync(stream, _ => false);

        Assert.True(silence > TimeSpan.FromSeconds(40), $"Three heartbeats came in {silence}.");
        Assert.All(text.Split(Ping)[..^1], before => Assert.EndsWith("\n\n", Ping + before, StringComparison.Ordinal));
        var told = text.Replace(Ping, "", StringComparison.Ordinal);
        Assert.Contains("one", told[..told.IndexOf("two", StringComparison.Ordinal)], StringComparison.Ordinal);
        Assert.DoesNotContain("error", told, StringComparison.Ordinal);
        Assert.EndsWith("\n\n", told, StringComparison.Ordinal);
    }

    [Fact]
    public async Task All_other_bytes_are_those_of_a_stream_without_heartbeats()
    {
        await using var stage = await StageAsync();
        var gate = new Gate();
        Script Script(Gate? wait) => (wait is null ? Half() : Half().WaitFor(wait)).Event(OpenAiReplies.ContentChunk("two")).Event(OpenAiReplies.FinishChunk()).Done();
        stage.First.Answers(Script(null), Script(gate));
        var expected = await stage.AskAsync(isStreaming: true);

        using var response = await stage.OpenAsync(ProductionStage.Body(isStreaming: true));
        await using var stream = await response.Content.ReadAsStreamAsync(Cancellation);
        var text = await ReadUntilAsync(stream, seen => Count(seen) == 2);
        gate.Release();
        text += await ReadUntilAsync(stream, _ => false);

        Assert.Equal(expected.Body, text.Replace(Ping, "", StringComparison.Ordinal));
    }

    // Ollama's lines know no comments.
    [Fact]
    public async Task Stream_of_lines_gets_none()
    {
        await using var stage = await StageAsync();
        var gate = new Gate();
        stage.First.Answers(Half().WaitFor(gate).Event(OpenAiReplies.FinishChunk()).Done(), Half().Stall());
        using var response = await stage.Gateway.OpenStreamAsync(
            "/api/chat", """{"model":"m","messages":[{"role":"user","content":"Hi"}]}""", ("Authorization", "Bearer " + stage.ClientKey));
        await gate.Reached;
        await OthersHaveHeardAsync(stage);
        gate.Release();

        var lines = (await response.Content.ReadAsStringAsync(Cancellation)).Split('\n', StringSplitOptions.RemoveEmptyEntries);

        Assert.All(lines, line => Assert.StartsWith("{", line, StringComparison.Ordinal));
        Assert.Contains("\"done\":true", lines[^1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Before_the_first_token_nothing_is_sent()
    {
        await using var stage = await StageAsync();
        var gate = new Gate();
        stage.First.Answers(Script.Sse(OpenAiReplies.RoleChunk()).WaitFor(gate).Event(OpenAiReplies.ContentChunk("one")).Event(OpenAiReplies.FinishChunk()).Done(), Half().Stall());
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await LeavingClient.ConnectAsync(socket, stage);
        await LeavingClient.SendAsync(socket, stage, ProductionStage.Body(isStreaming: true));
        await gate.Reached;

        await OthersHaveHeardAsync(stage);
        Assert.Equal(0, socket.Available);
        gate.Release();

        Assert.StartsWith("data: ", LeavingClient.Dechunked(await LeavingClient.ReadToDoneAsync(socket)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Heartbeats_do_not_keep_a_silent_provider_alive()
    {
        await using var stage = await StageAsync(timeout: 40);
        stage.First.Answers(Half().Stall());

        var answer = await stage.AskAsync(isStreaming: true);

        answer.AssertBroken("one ");
        Assert.Contains("(timeout)", answer.ErrorMessage, StringComparison.Ordinal);
        Assert.Equal(2, Count(answer.Body));
        await stage.First.Requests[0].WaitForPeerCloseAsync();
        Assert.Empty(stage.Second.Requests);
    }

    [Fact]
    public async Task Client_that_leaves_after_a_heartbeat_ends_the_providers_call()
    {
        await using var stage = await StageAsync();
        stage.First.Answers(Half().Stall());
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await LeavingClient.ConnectAsync(socket, stage);
        await LeavingClient.SendAsync(socket, stage, ProductionStage.Body(isStreaming: true));
        await using var stream = new NetworkStream(socket);
        await ReadUntilAsync(stream, seen => Count(seen) == 1);

        var left = Stopwatch.GetTimestamp();
        LeavingClient.Reset(socket);

        Assert.InRange(Stopwatch.GetElapsedTime(left, await stage.First.Requests[0].WaitForPeerCloseAsync()), TimeSpan.Zero, TimeSpan.FromMilliseconds(500));
        var record = Assert.Single(await stage.Ledger.WaitForRequestsAsync(1));
        Assert.Equal(499L, record["status"]);
        var attempt = Assert.Single(stage.Ledger.Attempts(record));
        Assert.Equal(("cancelled", "estimated", 1L), (attempt["outcome"], attempt["source"], attempt["output_tokens"]));
    }

    private static Script Half() => Script.Sse(OpenAiReplies.RoleChunk(), OpenAiReplies.ContentChunk("one "));

    private static Task<ProductionStage> StageAsync(int timeout = 600) => ProductionStage.StartAsync(
        ProductionStage.Agents(defaults: $"\"timeout\": {timeout}"),
        stage => stage.Gateway.WithServices(services =>
        {
            services.AddSingleton<TimeProvider>(new SpeededTime(Speed));

            // It would beat once in a millisecond, which is as short as timers are: the process would seem to be starved.
            services.RemoveAll<ProcessPulse>();
        }));

    private static int Count(string text) => text.Split(Ping).Length - 1;

    /// <summary>Another client's stream, opened later, has had its heartbeats: whoever was to get one has got it.</summary>
    private static async Task OthersHaveHeardAsync(ProductionStage stage)
    {
        using var response = await stage.OpenAsync(ProductionStage.Body(isStreaming: true));
        await using var stream = await response.Content.ReadAsStreamAsync(Cancellation);
        await ReadUntilAsync(stream, seen => Count(seen) == 2);
    }

    /// <summary>Reads until enough has come, or to the end.</summary>
    private static async Task<string> ReadUntilAsync(Stream stream, Func<string, bool> isEnough)
    {
        using var limit = new CancellationTokenSource(Eventually.DefaultLimit);
        var text = new StringBuilder();
        var buffer = new byte[4096];
        while (!isEnough(text.ToString()) && await stream.ReadAsync(buffer, limit.Token) is > 0 and var read)
        {
            text.Append(Encoding.UTF8.GetString(buffer, 0, read));
        }

        return text.ToString();
    }
}
