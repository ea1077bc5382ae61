using System.Buffers;
using System.Diagnostics;
using System.Text;
using System.Text.Json;

namespace LlmGateway.FunctionalTests.Infrastructure;

/// <summary>One call (a stream in HTTP/2's word) as <see cref="Http2Provider"/> received it, and what answers it.</summary>
internal sealed class Http2Call(Http2Connection connection, int streamId)
{
    private readonly TaskCompletionSource _bodyRead = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource<long> _cancelled = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ArrayBufferWriter<byte> _body = new();

    public Http2Connection Connection { get; } = connection;

    public int StreamId { get; } = streamId;

    /// <summary>The header block as it came: names and values stand in it as they are, because the gateway's client never packs them.</summary>
    public string Head { get; set; } = "";

    /// <summary>The body, as far as it has come.</summary>
    public byte[] Body => _body.WrittenSpan.ToArray();

    /// <summary>Whether its stream is closed, by either side.</summary>
    public bool IsOver { get; private set; }

    public bool IsStreaming
    {
        get
        {
            using var document = JsonDocument.Parse(Body);
            return document.RootElement.TryGetProperty("stream", out var stream) && stream.GetBoolean();
        }
    }

    /// <summary>Completes when the gateway has sent the whole request.</summary>
    public Task BodyRead => _bodyRead.Task.WaitAsync(Eventually.DefaultLimit);

    /// <summary>Waits until the gateway has reset the stream and answers the clock reading (<see cref="Stopwatch"/>) of that moment.</summary>
    public Task<long> WaitForCancelAsync() => _cancelled.Task.WaitAsync(Eventually.DefaultLimit);

    public Task HeadAsync(int status, string contentType) => Connection.SendAsync(Http2Frame.Headers, Http2Frame.EndHeaders, StreamId, Http2Frame.HeaderBlock(status, contentType));

    public Task DataAsync(string text) => Connection.SendAsync(Http2Frame.Data, 0, StreamId, Encoding.UTF8.GetBytes(text));

    public Task EventAsync(string data) => DataAsync($"data: {data}\n\n");

    public Task EndAsync()
    {
        IsOver = true;
        return Connection.SendAsync(Http2Frame.Data, Http2Frame.EndStream, StreamId, []);
    }

    /// <summary>Waits here until the test releases the gate.</summary>
    public Task WaitForAsync(Gate gate) => gate.PassAsync(Connection.Stopping);

    /// <summary>RST_STREAM.</summary>
    public Task ResetAsync(int error)
    {
        IsOver = true;
        return Connection.SendAsync(Http2Frame.ResetStream, 0, StreamId, Http2Frame.Number(error));
    }

    /// <summary>Reads the request and answers it well, in the form it asks for.</summary>
    public async Task AnswerAsync(string text = "Well met")
    {
        await BodyRead;
        if (!IsStreaming)
        {
            await HeadAsync(200, "application/json");
            await DataAsync(OpenAiReplies.Completion(text));
            await EndAsync();
            return;
        }

        await BeginStreamAsync(text);
        await FinishStreamAsync();
    }

    /// <summary>Reads the request and answers the first half of a stream: role and text.</summary>
    public async Task BeginStreamAsync(string text = "Well met")
    {
        await BodyRead;
        await HeadAsync(200, "text/event-stream");
        await EventAsync(OpenAiReplies.RoleChunk());
        await EventAsync(OpenAiReplies.ContentChunk(text));
    }

    /// <summary>The other half: finish, usage, [DONE].</summary>
    public async Task FinishStreamAsync()
    {
        await FinishEventsAsync();
        await EndAsync();
    }

    /// <summary>The other half but for the stream's end.</summary>
    public async Task FinishEventsAsync()
    {
        await EventAsync(OpenAiReplies.FinishChunk());
        await EventAsync(OpenAiReplies.UsageChunk());
        await EventAsync("[DONE]");
    }

    internal void Receive(ReadOnlySpan<byte> data) => _body.Write(data);

    internal void EndBody() => _bodyRead.TrySetResult();

    internal void Cancel()
    {
        IsOver = true;
        _cancelled.TrySetResult(Stopwatch.GetTimestamp());
    }
}
