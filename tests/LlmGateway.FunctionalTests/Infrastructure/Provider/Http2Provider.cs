using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace LlmGateway.FunctionalTests.Infrastructure;

/// <summary>
/// An OpenAI-compatible provider that speaks HTTP/2 over plain TCP (prior knowledge), frame by frame, so that a test can break any of them.
/// Each call takes the next script; without one it is answered well. It keeps every call, and counts.
/// </summary>
internal sealed class Http2Provider : IAsyncDisposable
{
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly ConcurrentQueue<Func<Http2Call, Task>> _scripts = new();
    private readonly ConcurrentDictionary<Http2Connection, Task> _connections = new();
    private readonly ConcurrentQueue<Http2Call> _calls = new();
    private readonly ConcurrentQueue<string> _violations = new();
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _accepting;
    private int _resets;
    private int _refusals;

    /// <param name="maxStreams">Calls at once on a connection; null: says nothing of it.</param>
    public Http2Provider(int? maxStreams = null)
    {
        MaxStreams = maxStreams;
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen(128);
        _accepting = AcceptAsync();
    }

    public int? MaxStreams { get; }

    public CancellationToken Stopping => _stopping.Token;

    public string BaseUrl => string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndPoint!).Port}");

    /// <summary>Every call whose head has come, answered, refused or broken.</summary>
    public IReadOnlyList<Http2Call> Calls => [.. _calls];

    public int ConnectionCount => _connections.Count;

    /// <summary>RST_STREAM frames of the gateway.</summary>
    public int ResetCount => Volatile.Read(ref _resets);

    /// <summary>Calls beyond <see cref="MaxStreams"/>, refused as a server must.</summary>
    public int RefusalCount => Volatile.Read(ref _refusals);

    public Http2Provider Answers(params Func<Http2Call, Task>[] scripts)
    {
        foreach (var script in scripts)
        {
            _scripts.Enqueue(script);
        }

        return this;
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        _listener.Dispose();
        await _accepting;
        await Task.WhenAll(_connections.Keys.Select(connection => connection.DisposeAsync().AsTask()));
        await Task.WhenAll(_connections.Values);
        _stopping.Dispose();
        if (!_violations.IsEmpty)
        {
            throw new InvalidOperationException("The HTTP/2 provider objects:\n" + string.Join('\n', _violations));
        }
    }

    internal void Object(string violation) => _violations.Enqueue(violation);

    internal void CountReset() => Interlocked.Increment(ref _resets);

    internal void CountRefusal() => Interlocked.Increment(ref _refusals);

    internal Task AnswerAsync(Http2Call call)
    {
        _calls.Enqueue(call);
        return _scripts.TryDequeue(out var script) ? script(call) : call.AnswerAsync();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var connection = new Http2Connection(await _listener.AcceptAsync(), this);
                _connections[connection] = connection.ServeAsync();
            }
        }
        catch (Exception over) when (over is SocketException or ObjectDisposedException)
        {
            // Disposed: nobody is accepted any more.
        }
    }
}
