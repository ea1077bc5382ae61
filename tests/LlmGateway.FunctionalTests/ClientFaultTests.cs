using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using LlmGateway.FunctionalTests.Infrastructure;

namespace LlmGateway.FunctionalTests;

/// <summary>Clients that go away: the provider is told at once, the request is counted as the client's own end, and nobody is blamed.</summary>
public sealed class ClientFaultTests
{
    /// <summary>From the client's leaving to the close that the provider sees.</summary>
    private static readonly TimeSpan Promised = TimeSpan.FromMilliseconds(500);

    public static TheoryData<string, bool> Moments()
    {
        var data = new TheoryData<string, bool>();
        foreach (var moment in (string[])["before the head", "after the role", "after the first token", "between tokens", "inside a chunk", "after the finish"])
        {
            data.Add(moment, false);
            data.Add(moment, true);
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Moments))]
    public async Task Provider_of_a_stream_is_cancelled_when_the_client_leaves(string moment, bool withReset)
    {
        await using var stage = await ProductionStage.StartAsync();
        var script = Script.Sse();
        var (before, seen, tokens) = moment switch
        {
            "before the head" => (new Script(), null, 0L),
            "after the role" => (script.Event(OpenAiReplies.RoleChunk()), null, 0L),
            "after the first token" => (script.Event(OpenAiReplies.RoleChunk()).Event(OpenAiReplies.ContentChunk("one")), "one", 1L),
            "between tokens" => (script.Event(OpenAiReplies.RoleChunk()).Event(OpenAiReplies.ContentChunk("one")).Event(OpenAiReplies.ContentChunk("two")), "two", 2L),
            "inside a chunk" => (script.Event(OpenAiReplies.ContentChunk("one")).PartOfChunk(500, "data: {\"id\""), "one", 1L),
            _ => (script.Event(OpenAiReplies.ContentChunk("one")).Event(OpenAiReplies.FinishChunk()), "stop", (long?)1L),
        };
        var gate = new Gate();
        stage.First.Answers(before.WaitFor(gate));
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await LeavingClient.ConnectAsync(socket, stage);
        await LeavingClient.SendAsync(socket, stage, ProductionStage.Body(isStreaming: true));
        await gate.Reached;
        if (seen is not null)
        {
            await ReadUntilAsync(socket, seen);
        }

        var left = Leave(socket, withReset);

        await AssertCancelledAsync(stage, left, tokens);
        gate.Release();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Provider_of_a_whole_answer_is_cancelled_when_the_client_leaves(bool withReset)
    {
        await using var stage = await ProductionStage.StartAsync();
        stage.First.Answers(Script.NeverAnswer());
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await LeavingClient.ConnectAsync(socket, stage);
        await LeavingClient.SendAsync(socket, stage, ProductionStage.Body(isStreaming: false));
        await stage.First.WaitForRequestAsync();

        var left = Leave(socket, withReset);

        await AssertCancelledAsync(stage, left, tokens: 0);
    }

    [Fact]
    public async Task Client_that_leaves_in_the_second_attempt_ends_that_one()
    {
        await using var stage = await ProductionStage.StartAsync();
        stage.First.Answers(Script.Json("{}", 500));
        stage.Second.Answers(Script.NeverAnswer());
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await LeavingClient.ConnectAsync(socket, stage);
        await LeavingClient.SendAsync(socket, stage, ProductionStage.Body(isStreaming: true));
        var second = await stage.Second.WaitForRequestAsync();

        var left = Leave(socket, withReset: true);

        Assert.InRange(Stopwatch.GetElapsedTime(left, await second.WaitForPeerCloseAsync()), TimeSpan.Zero, Promised);
        var record = Assert.Single(await stage.Ledger.WaitForRequestsAsync(1));
        Assert.Equal((499L, "backup", "server_error"), (record["status"], record["provider"], record["fallback_reason"]));
        Assert.Equal(["server_error", "cancelled"], stage.Ledger.Attempts(record).Select(attempt => attempt["outcome"]));
        await AssertCountedAsync(stage, "backup");
    }

    [Fact]
    public async Task Clients_that_leave_are_never_held_against_the_provider()
    {
        await using var stage = await ProductionStage.StartAsync();
        for (var i = 1; i <= 25; i++)
        {
            stage.First.Answers(Script.NeverAnswer());
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            await LeavingClient.ConnectAsync(socket, stage);
            await LeavingClient.SendAsync(socket, stage, ProductionStage.Body(isStreaming: i % 2 == 0));
            var request = await stage.First.WaitForRequestAsync(i);
            LeavingClient.Reset(socket);
            await request.WaitForPeerCloseAsync();
        }

        await stage.AssertNothingLeaksAsync(isStreaming: true);

        await stage.Gateway.WaitForMetricsAsync(
            page => page.Sum("llm_gateway_attempts_total", ("outcome", "cancelled")) == 25 && page.Sum("llm_gateway_requests_total", ("status", "499")) == 25, "25 cancelled attempts");
        Assert.Empty(stage.Second.Requests);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Upload_that_is_broken_off_reaches_no_provider(bool withReset)
    {
        await using var stage = await ProductionStage.StartAsync();
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await LeavingClient.ConnectAsync(socket, stage);
        await LeavingClient.SendAsync(socket, stage, ProductionStage.Body(isStreaming: false, new string('x', 1_000_000)), bytes: 500_000);
        await stage.Gateway.WaitForMetricsAsync(page => page.Sum("llm_gateway_requests_in_flight", ("endpoint", ProductionStage.Path)) == 1, "the upload to have begun");

        Leave(socket, withReset);

        await stage.Gateway.WaitForMetricsAsync(page => page.Sum("llm_gateway_requests_total", ("endpoint", ProductionStage.Path)) == 1, "the request to be counted");
        var page = await stage.Gateway.MetricsAsync();
        Assert.Equal(1, page.Sum("llm_gateway_requests_total", ("status", "499"), ("provider", "none")));
        Assert.Equal(0, page.Sum("llm_gateway_attempts_total"));
        Assert.Empty(stage.First.Requests);
        await stage.AssertNothingLeaksAsync(isStreaming: false);
    }

    [Fact]
    public async Task Client_that_leaves_after_DONE_has_had_its_answer()
    {
        await using var stage = await ProductionStage.StartAsync();
        stage.First.Answers(OpenAiReplies.Stream("one", "two"));
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await LeavingClient.ConnectAsync(socket, stage);
        await LeavingClient.SendAsync(socket, stage, ProductionStage.Body(isStreaming: true));
        await ReadUntilAsync(socket, "[DONE]");

        Leave(socket, withReset: false);

        var record = Assert.Single(await stage.Ledger.WaitForRequestsAsync(1));
        Assert.Equal((200L, "success", "provider", 2L), (record["status"], record["attempt_outcome"], record["attempt_source"], record["output_tokens"]));
    }

    [Fact]
    public async Task Next_request_on_other_connections_is_untouched_by_many_that_leave()
    {
        await using var stage = await ProductionStage.StartAsync();
        for (var i = 0; i < 20; i++)
        {
            stage.First.Answers(Script.Sse(OpenAiReplies.ContentChunk("LEAK")).Stall(), OpenAiReplies.Stream("mine"));
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            await LeavingClient.ConnectAsync(socket, stage);
            await LeavingClient.SendAsync(socket, stage, ProductionStage.Body(isStreaming: true));
            await ReadUntilAsync(socket, "LEAK");
            Leave(socket, withReset: i % 2 == 0);
            (await stage.AskAsync(isStreaming: true)).AssertAnswered("mine");
        }

        await Eventually.TrueAsync(() => stage.First.Requests.Count(request => request.HasPeerClosed) >= 20, "all left streams to be closed at the provider");
    }

    private static long Leave(Socket socket, bool withReset)
    {
        var left = Stopwatch.GetTimestamp();
        if (withReset)
        {
            LeavingClient.Reset(socket);
        }
        else
        {
            socket.Shutdown(SocketShutdown.Both);
            socket.Close();
        }

        return left;
    }

    private static async Task AssertCancelledAsync(ProductionStage stage, long left, long? tokens)
    {
        var closed = await stage.First.Requests[0].WaitForPeerCloseAsync();
        Assert.InRange(Stopwatch.GetElapsedTime(left, closed), TimeSpan.Zero, Promised);
        var record = Assert.Single(await stage.Ledger.WaitForRequestsAsync(1));
        Assert.Equal((499L, "cancelled", "estimated", 1L), (record["status"], record["attempt_outcome"], record["attempt_source"], record["estimated"]));
        Assert.Equal(tokens, record["output_tokens"]);
        Assert.True((long)record["input_tokens"]! > 0);
        await AssertCountedAsync(stage, "internal");
        Assert.Empty(stage.Second.Requests);
    }

    private static async Task AssertCountedAsync(ProductionStage stage, string provider)
    {
        var page = await stage.Gateway.WaitForMetricsAsync(page => page.Sum("llm_gateway_requests_total", ("status", "499")) == 1, "the request to be counted as 499");
        Assert.Equal(1, page.Sum("llm_gateway_attempts_total", ("provider", provider), ("outcome", "cancelled")));
        var line = await stage.Gateway.Log.WaitForAsync(line => line["status"] == "499", "the request's line");
        Assert.Equal("information", line.Level);
        Assert.DoesNotContain(stage.Gateway.Log.Lines, other => other.Level is "warning" or "error" or "critical" && other["name"] != "Notice");
    }

    private static async Task ReadUntilAsync(Socket socket, string wanted)
    {
        using var limit = new CancellationTokenSource(Eventually.DefaultLimit);
        var buffer = new byte[16 * 1024];
        var text = "";
        while (!text.Contains(wanted, StringComparison.Ordinal))
        {
            var read = await socket.ReceiveAsync(buffer, limit.Token);
            Assert.True(read > 0, string.Create(CultureInfo.InvariantCulture, $"the answer ended before '{wanted}': {text}"));
            text += System.Text.Encoding.Latin1.GetString(buffer, 0, read);
        }
    }
}
