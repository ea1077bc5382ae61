using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace LoadClient;

/// <summary>
/// A provider that costs as little as possible: a plain answer of about 685 bytes, or a stream with one write per chunk. The model's name
/// says how: <c>load-c100-d20</c> is a hundred chunks, 20 ms apart.
/// </summary>
internal static partial class Upstream
{
    private const string Head = """data: {"id":"chatcmpl-load00000000000000000001","object":"chat.completion.chunk","created":1790000000,"model":"load","system_fingerprint":"fp_load","choices":[{"index":0,"delta":""";

    private static readonly byte[] Plain = Encoding.UTF8.GetBytes(
        """{"id":"chatcmpl-load00000000000000000001","object":"chat.completion","created":1790000000,"model":"load","choices":[{"index":0,"message":{"role":"assistant","content":"A gateway stands between those who ask and those who answer. It knows who may ask, whom to ask, what to do when nobody answers, and what all of it has cost. That is all it does.","refusal":null,"annotations":[]},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":42,"completion_tokens":45,"total_tokens":87,"prompt_tokens_details":{"cached_tokens":0,"audio_tokens":0},"completion_tokens_details":{"reasoning_tokens":0,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}},"service_tier":"default"}""");

    private static readonly byte[] Role = Event("""{"role":"assistant","content":"","refusal":null},"logprobs":null,"finish_reason":null}]}""");

    private static readonly byte[] Finish = Event("""{},"logprobs":null,"finish_reason":"stop"}]}""");

    private static readonly byte[] Usage =
        """data: {"id":"chatcmpl-load00000000000000000001","object":"chat.completion.chunk","created":1790000000,"model":"load","choices":[],"usage":{"prompt_tokens":42,"completion_tokens":100,"total_tokens":142}}"""u8.ToArray().Concat("\n\n"u8.ToArray()).ToArray();

    private static readonly byte[] Done = "data: [DONE]\n\n"u8.ToArray();

    private static readonly byte[][] Words =
    [
        .. Enumerable.Range(0, 1000).Select(i => Event($$"""{"content":" {{i.ToString(CultureInfo.InvariantCulture)}}"},"logprobs":null,"finish_reason":null}]}""")),
    ];

    public static async Task RunAsync(string address)
    {
        var builder = WebApplication.CreateSlimBuilder(["--urls", address]);
        builder.Logging.SetMinimumLevel(LogLevel.Warning);
        var app = builder.Build();
        app.Run(AnswerAsync);
        await app.RunAsync();
    }

    private static async Task AnswerAsync(HttpContext context)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body, context.RequestAborted);
        var (wantsUsage, shape) = Read(body.GetBuffer().AsSpan(0, (int)body.Length));
        if (shape is not var (chunks, delay))
        {
            context.Response.ContentType = "application/json";
            context.Response.ContentLength = Plain.Length;
            await context.Response.BodyWriter.WriteAsync(Plain, context.RequestAborted);
            return;
        }

        context.Response.ContentType = "text/event-stream";
        var writer = context.Response.BodyWriter;
        await writer.WriteAsync(Role, context.RequestAborted);
        for (var i = 0; i < chunks; i++)
        {
            if (delay > TimeSpan.Zero)
            {
                await Task.Delay(delay, TimeProvider.System, context.RequestAborted);
            }

            await writer.WriteAsync(Words[i], context.RequestAborted);
        }

        await writer.WriteAsync(Finish, context.RequestAborted);
        if (wantsUsage)
        {
            await writer.WriteAsync(Usage, context.RequestAborted);
        }

        await writer.WriteAsync(Done, context.RequestAborted);
    }

    private static (bool WantsUsage, (int Chunks, TimeSpan Delay)? Shape) Read(ReadOnlySpan<byte> body)
    {
        if (body.IndexOf("\"stream\":true"u8) < 0)
        {
            return (false, null);
        }

        var at = body.IndexOf("load-c"u8);
        var name = Encoding.ASCII.GetString(body.Slice(at, Math.Min(20, body.Length - at)));
        var match = Shape().Match(name);
        return (body.IndexOf("\"include_usage\":true"u8) >= 0,
            (Math.Min(Words.Length, Number(match.Groups[1])), TimeSpan.FromMilliseconds(Number(match.Groups[2]))));
    }

    private static int Number(Group group) => int.Parse(group.ValueSpan, CultureInfo.InvariantCulture);

    private static byte[] Event(string rest) => Encoding.UTF8.GetBytes(Head + rest + "\n\n");

    [GeneratedRegex("^load-c([0-9]+)-d([0-9]+)")]
    private static partial Regex Shape();
}
