using System.Globalization;
using System.Net.Sockets;
using LlmGateway.FunctionalTests.Infrastructure;

namespace LlmGateway.FunctionalTests;

/// <summary>Clients that read a stream slowly, or no more: the provider is slowed down with them, little is held for them, and in the end they are cut off.</summary>
public sealed class SlowReaderTests(ITestOutputHelper output)
{
    private const long Total = 64L << 20;
    private const int MostHeld = 128 * 1024;

    /// <summary>What heads and the framing of chunks add in the kernel to what the provider counts as sent.</summary>
    private const int MostFraming = 32 * 1024;

    /// <summary>All bytes then go through as they are.</summary>
    private const string AsksForUsage = ",\"stream_options\":{\"include_usage\":true}";

    private static readonly string Piece = "data: " + OpenAiReplies.ContentChunk(new string('x', 4000)) + "\n\n";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>What lies in the kernel's buffers is taken off: it is read from the kernel's own list of connections.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Little_is_held_for_a_client_that_hardly_reads(bool isReading)
    {
        await using var stage = await ProductionStage.StartAloneAsync();
        stage.First.Answers(Stream());
        using var socket = Socket();
        await LeavingClient.ConnectAsync(socket, stage);
        await LeavingClient.SendAsync(socket, stage, ProductionStage.Body(isStreaming: true, more: AsksForUsage));
        var read = (long)await socket.ReceiveAsync(new byte[100], Cancellation);
        var request = await stage.First.WaitForRequestAsync();

        // A hundred bytes a second, or none.
        using (var second = new PeriodicTimer(TimeSpan.FromSeconds(1)))
        {
            for (var i = 0; i < 3; i++)
            {
                await second.WaitForNextTickAsync(Cancellation);
                read += isReading ? await socket.ReceiveAsync(new byte[100], Cancellation) : 0;
            }
        }

        var inKernel = 0L;
        var sent = -1L;
        await Eventually.TrueAsync(
            () =>
            {
                var (before, waiting) = (sent, inKernel);
                (sent, inKernel) = (request.Tally.BytesSent, Waiting(((System.Net.IPEndPoint)socket.LocalEndPoint!).Port, new Uri(stage.Gateway.BaseUrl).Port) + Waiting(stage.First.Port, null));
                return (before, waiting) == (sent, inKernel);
            },
            "the provider to be held up");
        var held = sent - inKernel - read;
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"C10: of {sent} bytes that the provider got rid of {inKernel} lie in the kernel, {read} were read, {held} are held by the gateway"));
        LeavingClient.Reset(socket);
        await request.WaitForPeerCloseAsync();

        Assert.True(sent < Total / 2, $"{sent}: the provider was not held up.");
        Assert.InRange(held, -MostFraming, MostHeld);
        var row = Assert.Single(await stage.Ledger.WaitForRequestsAsync(1));
        Assert.Equal((499L, "cancelled", "estimated"), (row["status"], row["attempt_outcome"], row["attempt_source"]));
        Assert.True((long)row["output_tokens"]! > 0);
    }

    [Fact]
    public async Task A_client_that_has_stopped_reading_is_cut_off()
    {
        await using var stage = await ProductionStage.StartAloneAsync(configure: stage => stage.Gateway.WithVariable("LLM_TOTAL_TIMEOUT", "2"));
        stage.First.Answers(Stream());
        using var socket = Socket();
        await LeavingClient.ConnectAsync(socket, stage);
        await LeavingClient.SendAsync(socket, stage, ProductionStage.Body(isStreaming: true, more: AsksForUsage));
        await socket.ReceiveAsync(new byte[100], Cancellation);
        var request = await stage.First.WaitForRequestAsync();

        await request.WaitForPeerCloseAsync();

        var row = Assert.Single(await stage.Ledger.WaitForRequestsAsync(1));
        Assert.Equal((499L, "estimated"), (row["status"], row["attempt_source"]));
        Assert.True(request.Tally.BytesSent < Total / 2, "It was read to its end.");
        await stage.AssertNothingLeaksAsync(isStreaming: true);
    }

    private static Script Stream() => Script.Sse(OpenAiReplies.RoleChunk(), OpenAiReplies.ContentChunk("one ")).Fill(Total, Piece);

    private static Socket Socket() => new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = 4096 };

    /// <summary>Bytes that both ends of the connections of a port have in their queues, sent and not taken, come and not read.</summary>
    private static long Waiting(int port, int? peer) => ((string[])["/proc/net/tcp", "/proc/net/tcp6"]).SelectMany(file => File.ReadLines(file).Skip(1))
        .Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        .Where(fields => (PortOf(fields[1]), PortOf(fields[2])) is var (local, remote)
            && ((local == port && remote == (peer ?? remote)) || (remote == port && local == (peer ?? local))))
        .Sum(fields => fields[4].Split(':').Sum(number => long.Parse(number, NumberStyles.HexNumber, CultureInfo.InvariantCulture)));

    private static int PortOf(string address) => int.Parse(address.Split(':')[1], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
}
