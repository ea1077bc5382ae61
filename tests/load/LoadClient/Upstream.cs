using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;

namespace LoadClient;

/// <summary>
/// A provider that costs as little as possible, on bare sockets: a plain answer of about 685 bytes, or a stream with one send per chunk (a
/// web server would gather chunks under load and hide what each one costs a gateway). The model's name says how: <c>load-c100-d20</c> is a
/// hundred chunks, 20 ms apart.
/// </summary>
internal static partial class Upstream
{
    private const string Start = """data: {"id":"chatcmpl-load00000000000000000001","object":"chat.completion.chunk","created":1790000000,"model":"load","system_fingerprint":"fp_load","choices":[""";

    private static readonly byte[] Plain = Answer(
        """{"id":"chatcmpl-load00000000000000000001","object":"chat.completion","created":1790000000,"model":"load","choices":[{"index":0,"message":{"role":"assistant","content":"A gateway stands between those who ask and those who answer. It knows who may ask, whom to ask, what to do when nobody answers, and what all of it has cost. That is all it does.","refusal":null,"annotations":[]},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":42,"completion_tokens":45,"total_tokens":87,"prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}},"service_tier":"default"}""");

    private static readonly byte[] StreamHead =
        [.. "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"u8, .. Chunk("""{"index":0,"delta":{"role":"assistant","content":"","refusal":null},"logprobs":null,"finish_reason":null}]}""")];

    private static readonly byte[] Finish = Chunk("""{"index":0,"delta":{},"logprobs":null,"finish_reason":"stop"}]}""");

    private static readonly byte[] Usage = Chunk("""],"usage":{"prompt_tokens":42,"completion_tokens":100,"total_tokens":142}}""");

    private static readonly byte[] Done = [.. Frame("data: [DONE]\n\n"), .. "0\r\n\r\n"u8];

    private static readonly byte[][] Words =
    [
        .. Enumerable.Range(0, 1000).Select(i => Chunk($$"""{"index":0,"delta":{"content":" {{i.ToString(CultureInfo.InvariantCulture)}}"},"logprobs":null,"finish_reason":null}]}""")),
    ];

    public static async Task RunAsync(string address)
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, new Uri(address).Port));
        listener.Listen(4096);
        while (true)
        {
            _ = ServeAsync(await listener.AcceptAsync());
        }
    }

    private static async Task ServeAsync(Socket socket)
    {
        using (socket)
        {
            socket.NoDelay = true;
            var buffer = new byte[256 * 1024];
            try
            {
                while (await ReadRequestAsync(socket, buffer) is { } body)
                {
                    await AnswerAsync(socket, body);
                }
            }
            catch (SocketException)
            {
                // The gateway closed while being answered.
            }
        }
    }

    /// <summary>One whole request (content-length only, no pipelining); null at the connection's end.</summary>
    private static async Task<Memory<byte>?> ReadRequestAsync(Socket socket, byte[] buffer)
    {
        var filled = 0;
        while (await socket.ReceiveAsync(buffer.AsMemory(filled)) is var count and > 0)
        {
            filled += count;
            var head = buffer.AsSpan(0, filled).IndexOf("\r\n\r\n"u8);
            if (head < 0)
            {
                continue;
            }

            var match = ContentLength().Match(Encoding.Latin1.GetString(buffer, 0, head + 2));
            var length = match.Success ? Number(match.Groups[1]) : 0;
            if (filled >= head + 4 + length)
            {
                return buffer.AsMemory(head + 4, length);
            }
        }

        return null;
    }

    private static async Task AnswerAsync(Socket socket, Memory<byte> body)
    {
        if (body.Span.IndexOf("\"stream\":true"u8) < 0)
        {
            await socket.SendAsync(Plain);
            return;
        }

        var (chunks, delay) = Shape(body.Span);
        await socket.SendAsync(StreamHead);
        for (var i = 0; i < chunks; i++)
        {
            if (delay > TimeSpan.Zero)
            {
                await Task.Delay(delay, TimeProvider.System);
            }

            await socket.SendAsync(Words[i]);
        }

        await socket.SendAsync(Finish);
        if (body.Span.IndexOf("\"include_usage\":true"u8) >= 0)
        {
            await socket.SendAsync(Usage);
        }

        await socket.SendAsync(Done);
    }

    private static (int Chunks, TimeSpan Delay) Shape(ReadOnlySpan<byte> body)
    {
        var at = body.IndexOf("load-c"u8);
        var match = ModelName().Match(Encoding.ASCII.GetString(body.Slice(at, Math.Min(20, body.Length - at))));
        return (Math.Min(Words.Length, Number(match.Groups[1])), TimeSpan.FromMilliseconds(Number(match.Groups[2])));
    }

    private static int Number(Group group) => int.Parse(group.ValueSpan, CultureInfo.InvariantCulture);

    private static byte[] Answer(string json) =>
        Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {json.Length}\r\n\r\n{json}"));

    private static byte[] Chunk(string rest) => Frame(Start + rest + "\n\n");

    private static byte[] Frame(string text) => Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{text.Length:x}\r\n{text}\r\n"));

    [GeneratedRegex("^load-c([0-9]+)-d([0-9]+)")]
    private static partial Regex ModelName();

    [GeneratedRegex("\r\ncontent-length: *([0-9]+)\r\n", RegexOptions.IgnoreCase)]
    private static partial Regex ContentLength();
}
