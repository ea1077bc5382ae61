using System.Globalization;
using System.Text;

namespace LlmGateway.FunctionalTests.Infrastructure;

/// <summary>How often another process tries to connect, whatever becomes of it: told by its sockets themselves, not by whoever takes the connections.</summary>
internal sealed class ConnectTrace
{
    private readonly TaskCompletionSource _begun = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _over = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Task<byte[]> _events;

    private ConnectTrace(int process) => _events = DiagnosticPort.TraceAsync(process, "System.Net.Sockets", ulong.MaxValue, _begun, _over.Task, TestContext.Current.CancellationToken);

    public static async Task<ConnectTrace> StartAsync(int process)
    {
        var trace = new ConnectTrace(process);
        await await Task.WhenAny(trace._begun.Task, trace._events);
        return trace;
    }

    /// <summary>Ends the count; answers how often it tried to connect to this port of 127.0.0.1.</summary>
    public async Task<int> StopAsync(int port)
    {
        _over.TrySetResult();
        var wanted = Encoding.Unicode.GetBytes(string.Create(CultureInfo.InvariantCulture, $"InterNetwork:16:{{{port >> 8},{port & 0xFF},127,0,0,1,"));
        var count = 0;
        var rest = (await _events).AsMemory();
        for (var at = rest.Span.IndexOf(wanted); at >= 0; at = rest.Span.IndexOf(wanted))
        {
            count++;
            rest = rest[(at + wanted.Length)..];
        }

        return count;
    }
}
