using System.Buffers.Binary;
using System.Net.Sockets;
using System.Text;

namespace LlmGateway.FunctionalTests.Infrastructure;

/// <summary>The runtime's own diagnostic port of another process: for what nobody may ask the gateway itself.</summary>
internal static class DiagnosticPort
{
    private const int HeadLength = 20;
    private const byte EventPipe = 2;
    private const byte StopTracing = 1;
    private const byte CollectTracing2 = 3;

    private const string Runtime = "Microsoft-Windows-DotNETRuntime";

    /// <summary>Of the runtime's events those for which it collects all garbage first.</summary>
    private const ulong HeapCollection = 0x800000;

    private const uint Informational = 4;
    private const uint NetTrace = 1;

    private static ReadOnlySpan<byte> Magic => "DOTNET_IPC_V1\0"u8;

    /// <summary>Has all generations collected, as a blocking collection; ends when it has begun at the latest.</summary>
    public static async Task CollectGarbageAsync(int process, CancellationToken cancellation)
    {
        var ended = new TaskCompletionSource();
        ended.SetResult();
        await TraceAsync(process, Runtime, HeapCollection, new TaskCompletionSource(), ended.Task, cancellation);
    }

    /// <summary>All that a source of events has told until some task ended, in the runtime's own form; texts stand in it as UTF-16.</summary>
    /// <param name="process">Which process.</param>
    /// <param name="source">The source's name.</param>
    /// <param name="kinds">Its keywords.</param>
    /// <param name="begun">Done when events are noted.</param>
    /// <param name="until">When to stop.</param>
    /// <param name="cancellation">Stops waiting.</param>
    public static async Task<byte[]> TraceAsync(int process, string source, ulong kinds, TaskCompletionSource begun, Task until, CancellationToken cancellation)
    {
        using var tracing = await ConnectAsync(process, cancellation);
        var session = await AskAsync(tracing, CollectTracing2, Session(source, kinds), cancellation);
        begun.SetResult();
        var reading = ReadToEndAsync(tracing, cancellation);
        await until.WaitAsync(cancellation);
        using (var stopping = await ConnectAsync(process, cancellation))
        {
            await AskAsync(stopping, StopTracing, session, cancellation);
        }

        return await reading;
    }

    private static async Task<byte[]> ReadToEndAsync(Socket tracing, CancellationToken cancellation)
    {
        using var all = new MemoryStream();
        var events = new byte[16 * 1024];
        while (await tracing.ReceiveAsync(events, cancellation) is > 0 and var count)
        {
            all.Write(events, 0, count);
        }

        return all.ToArray();
    }

    private static byte[] Session(string source, ulong kinds)
    {
        using var stream = new MemoryStream();
        using var writer = new BinaryWriter(stream, Encoding.Unicode);
        writer.Write(1u); // megabytes of buffer
        writer.Write(NetTrace);
        writer.Write(false); // no run-down of methods at the end
        writer.Write(1u); // one provider
        writer.Write(kinds);
        writer.Write(Informational);
        writer.Write((uint)source.Length + 1);
        writer.Write((source + '\0').AsSpan());
        writer.Write(0u); // no arguments
        return stream.ToArray();
    }

    private static async Task<Socket> ConnectAsync(int process, CancellationToken cancellation)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);

        // Its start is part of the name: a killed process leaves its socket behind, and numbers of processes come back.
        await socket.ConnectAsync(new UnixDomainSocketEndPoint($"/tmp/dotnet-diagnostic-{process}-{ProcessMemory.StartTime(process)}-socket"), cancellation);
        return socket;
    }

    /// <summary>The answer's payload: of both commands the session's number.</summary>
    private static async Task<byte[]> AskAsync(Socket socket, byte command, byte[] payload, CancellationToken cancellation)
    {
        var request = new byte[HeadLength + payload.Length];
        Magic.CopyTo(request);
        BinaryPrimitives.WriteUInt16LittleEndian(request.AsSpan(14), (ushort)request.Length);
        (request[16], request[17]) = (EventPipe, command);
        payload.CopyTo(request, HeadLength);
        await socket.SendAsync(request, cancellation);

        var head = await ReadAsync(socket, HeadLength, cancellation);
        var answer = await ReadAsync(socket, BinaryPrimitives.ReadUInt16LittleEndian(head.AsSpan(14)) - HeadLength, cancellation);
        Assert.Equal((0xFF, 0), (head[16], head[17]));
        return answer;
    }

    private static async Task<byte[]> ReadAsync(Socket socket, int count, CancellationToken cancellation)
    {
        var bytes = new byte[count];
        for (var read = 0; read < count;)
        {
            var more = await socket.ReceiveAsync(bytes.AsMemory(read), cancellation);
            read += more > 0 ? more : throw new EndOfStreamException("The runtime closed its diagnostic port.");
        }

        return bytes;
    }
}
