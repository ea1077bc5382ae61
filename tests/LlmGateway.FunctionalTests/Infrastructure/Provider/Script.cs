using System.Globalization;
using System.Text;

namespace LlmGateway.FunctionalTests.Infrastructure;

/// <summary>What a scripted provider does with one request, step by step. A script that just ends finishes its body as HTTP wants it.</summary>
internal sealed class Script
{
    private readonly List<Func<ScriptRun, Task>> _steps = [];

    /// <summary>Whether the script starts as soon as the head is there, with the body unread.</summary>
    public bool StartsBeforeBody { get; private set; }

    /// <summary>A whole JSON answer.</summary>
    public static Script Json(string json, int status = 200, params (string Name, string Value)[] headers) =>
        Whole(status, "application/json", Encoding.UTF8.GetBytes(json), headers);

    /// <summary>A whole answer of any kind, announced with its length.</summary>
    public static Script Whole(int status, string contentType, byte[] body, params (string Name, string Value)[] headers) =>
        new Script().Head(status, contentType, BodyFraming.Length, [("content-length", Number(body.Length)), .. headers]).Bytes(body);

    /// <summary>A stream of server-sent events, chunked; add events with <see cref="Event(string)"/>.</summary>
    public static Script Sse(params string[] events) => Streamed("text/event-stream; charset=utf-8", events, (script, data) => script.Event(data));

    /// <summary>A stream of JSON lines, chunked; add lines with <see cref="Line"/>.</summary>
    public static Script JsonLines(params string[] lines) => Streamed("application/x-ndjson", lines, (script, line) => script.Line(line));

    /// <summary>An answer of the caller's own making: every byte of it, head included, is given in steps.</summary>
    public static Script Raw(string text) => new Script().Send(text);

    /// <summary>A script chosen once the request's body is there.</summary>
    public static Script Chosen(Func<RecordedRequest, Script> choose) => new Script().Add(async run =>
    {
        foreach (var step in choose(run.Request)._steps)
        {
            await step(run);
        }
    });

    /// <summary>Takes the request and never answers.</summary>
    public static Script NeverAnswer() => new Script().Stall();

    /// <summary>Starts before the body has been read, and reads it only at <see cref="ReadBody"/>.</summary>
    public Script BeforeBody()
    {
        StartsBeforeBody = true;
        return this;
    }

    public Script ReadBody() => Add(run => run.ReadBodyAsync());

    public Script Head(int status, string? contentType, BodyFraming framing, params (string Name, string Value)[] headers)
    {
        var head = new StringBuilder().Append(CultureInfo.InvariantCulture, $"HTTP/1.1 {status:000} Scripted\r\n");
        if (contentType is not null)
        {
            head.Append("content-type: ").Append(contentType).Append("\r\n");
        }

        foreach (var (name, value) in headers)
        {
            head.Append(name).Append(": ").Append(value).Append("\r\n");
        }

        head.Append(framing switch
        {
            BodyFraming.Chunked => "transfer-encoding: chunked\r\n\r\n",
            BodyFraming.Close => "connection: close\r\n\r\n",
            _ => "\r\n",
        });
        var bytes = Encoding.Latin1.GetBytes(head.ToString());
        return Add(run =>
        {
            run.Framing = framing;
            return run.SendAsync(bytes);
        });
    }

    /// <summary>Interim answers before the real one.</summary>
    public Script Interim(int status, int count, string headers = "") =>
        Add(async run =>
        {
            var bytes = Encoding.Latin1.GetBytes(string.Create(CultureInfo.InvariantCulture, $"HTTP/1.1 {status} Interim\r\n{headers}\r\n"));
            for (var i = 0; i < count; i++)
            {
                await run.SendAsync(bytes);
            }
        });

    /// <summary>One <c>data:</c> event.</summary>
    public Script Event(string data) => Whole(Encoding.UTF8.GetBytes("data: " + data + "\n\n"));

    /// <summary>One event with a name.</summary>
    public Script Event(string name, string data) => Whole(Encoding.UTF8.GetBytes("event: " + name + "\ndata: " + data + "\n\n"));

    /// <summary>OpenAI's mark of the end.</summary>
    public Script Done() => Text("data: [DONE]\n\n");

    public Script Comment(string text) => Text(": " + text + "\n\n");

    /// <summary>One line of JSON.</summary>
    public Script Line(string json) => Whole(Encoding.UTF8.GetBytes(json + "\n"));

    /// <summary>Body text as one write (and one chunk); it may be a part of an event.</summary>
    public Script Text(string text) => Bytes(Encoding.UTF8.GetBytes(text));

    /// <summary>Body bytes as one write (and one chunk); they may end in the middle of a character.</summary>
    public Script Bytes(byte[] bytes) => Add(run => run.WriteBodyAsync(bytes));

    /// <summary>Bytes past all framing.</summary>
    public Script Send(string text) => Add(run => run.SendAsync(Encoding.Latin1.GetBytes(text)));

    /// <summary>From here on every byte goes out in a write of its own.</summary>
    public Script Drip() => Do(run => run.Drips = true);

    /// <summary>The same piece of body again and again, until <paramref name="total"/> bytes are out or the gateway has had enough.</summary>
    public Script Fill(long total, string piece = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef")
    {
        var block = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat(piece, Math.Max(1, 16_384 / piece.Length))));
        return Add(async run =>
        {
            for (var left = total; left > 0; left -= block.Length)
            {
                await run.WriteBodyAsync(block.AsMemory(0, (int)Math.Min(block.Length, left)));
            }
        });
    }

    /// <summary>Waits here until the test releases the gate.</summary>
    public Script WaitFor(Gate gate) => Add(run => gate.PassAsync(run.Stopping));

    /// <summary>Waits here until the gateway closes the connection.</summary>
    public Script Stall() =>
        Add(async run =>
        {
            await run.Request.WaitForPeerCloseAsync(Timeout.InfiniteTimeSpan).WaitAsync(run.Stopping);
            run.Request.Tally.WasCutByPeer = true;
            run.Reset();
        });

    /// <summary>Ends the connection in good order (FIN), wherever the body stands.</summary>
    public Script Fin() => Do(run => run.Close());

    /// <summary>Ends the connection with a reset (RST), wherever the body stands.</summary>
    public Script Reset() => Do(run => run.Reset());

    /// <summary>Announces a chunk of <paramref name="announced"/> bytes and sends fewer.</summary>
    public Script PartOfChunk(int announced, string text) =>
        Send(announced.ToString("x", CultureInfo.InvariantCulture) + "\r\n").Add(run => run.SendAsync(Encoding.UTF8.GetBytes(text)));

    /// <summary>Another script's steps behind these.</summary>
    public Script Then(Script next)
    {
        _steps.AddRange(next._steps);
        return this;
    }

    /// <summary>A step of the test's own.</summary>
    public Script Add(Func<ScriptRun, Task> step)
    {
        _steps.Add(step);
        return this;
    }

    internal async Task PlayAsync(ScriptRun run)
    {
        foreach (var step in _steps)
        {
            if (run.IsOver)
            {
                return;
            }

            await step(run);
        }

        await run.FinishAsync();
    }

    private static Script Streamed(string contentType, string[] items, Action<Script, string> add)
    {
        var script = new Script().Head(200, contentType, BodyFraming.Chunked);
        foreach (var item in items)
        {
            add(script, item);
        }

        return script;
    }

    private Script Whole(byte[] item) =>
        Add(async run =>
        {
            await run.WriteBodyAsync(item);
            run.Request.Tally.CountEvent();
        });

    private Script Do(Action<ScriptRun> step) =>
        Add(run =>
        {
            step(run);
            return Task.CompletedTask;
        });

    private static string Number(int value) => value.ToString(CultureInfo.InvariantCulture);
}
