using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace LlmGateway.FunctionalTests.Infrastructure;

/// <summary>A TCP relay between the gateway and a store that can be told to misbehave; open connections obey at once.</summary>
internal sealed class FaultProxy : IAsyncDisposable
{
    private readonly CancellationTokenSource _stopping = new();
    private readonly ConcurrentDictionary<Socket, bool> _sockets = new();
    private readonly ConcurrentBag<Task> _relays = [];
    private readonly int _target;
    private Socket _listener;
    private Task _accepting;
    private TaskCompletionSource _passes = Opened();
    private int _connections;
    private int _faults;

    /// <param name="target">Port on 127.0.0.1.</param>
    public FaultProxy(int target)
    {
        _target = target;
        _listener = Bound(0);
        Port = ((IPEndPoint)_listener.LocalEndPoint!).Port;
        _accepting = AcceptAsync(_listener);
    }

    public int Port { get; }

    public FaultMode Mode { get; private set; }

    /// <summary>How long each piece is held up, in each direction.</summary>
    public TimeSpan Delay { get; set; }

    /// <summary>Connections that came, whatever became of them.</summary>
    public int Connections => Volatile.Read(ref _connections);

    /// <summary>Connections refused or reset and pieces held back: proof that the fault happened.</summary>
    public int Faults => Volatile.Read(ref _faults);

    public void Set(FaultMode mode)
    {
        if (Mode == FaultMode.Closed && mode != FaultMode.Closed)
        {
            _accepting = AcceptAsync(_listener);
        }

        Mode = mode;
        if (mode == FaultMode.Closed)
        {
            // The port stays this proxy's own: it is bound, and nobody listens.
            _listener.Dispose();
            _listener = Bound(Port);
        }

        if (mode == FaultMode.Blackhole)
        {
            _passes = new(TaskCreationOptions.RunContinuationsAsynchronously);
            return;
        }

        _passes.TrySetResult();
        if (mode is FaultMode.Refuse or FaultMode.Reset or FaultMode.Closed)
        {
            // All are told how to end before any ends: one that goes takes its other side with it.
            Socket[] open = [.. _sockets.Keys];
            Array.ForEach(open, MakeAbrupt);
            Array.ForEach(open, End);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        _listener.Dispose();
        await _accepting;
        foreach (var socket in _sockets.Keys)
        {
            socket.Dispose();
        }

        await Task.WhenAll(_relays);
        _stopping.Dispose();
    }

    private static TaskCompletionSource Opened()
    {
        var opened = new TaskCompletionSource();
        opened.SetResult();
        return opened;
    }

    private static Socket Bound(int port)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, port));
        return socket;
    }

    private async Task AcceptAsync(Socket listener)
    {
        listener.Listen(128);
        try
        {
            while (true)
            {
                var socket = await listener.AcceptAsync(_stopping.Token);
                Interlocked.Increment(ref _connections);
                _sockets[socket] = true;
                if (Mode is FaultMode.Refuse or FaultMode.Reset or FaultMode.Closed)
                {
                    End(socket);
                }
                else
                {
                    _relays.Add(ServeAsync(socket));
                }
            }
        }
        catch (Exception over) when (over is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // Disposed, or closed.
        }
    }

    private void End(Socket socket)
    {
        Interlocked.Increment(ref _faults);
        MakeAbrupt(socket);
        _sockets.TryRemove(socket, out _);
        socket.Dispose();
    }

    private void MakeAbrupt(Socket socket)
    {
        try
        {
            if (Mode is FaultMode.Reset or FaultMode.Closed)
            {
                socket.LingerState = new LingerOption(true, 0);
            }
        }
        catch (ObjectDisposedException)
        {
            // It has ended already.
        }
    }

    private async Task ServeAsync(Socket client)
    {
        var server = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        _sockets[server] = true;
        try
        {
            await _passes.Task.WaitAsync(_stopping.Token);
            await server.ConnectAsync(new IPEndPoint(IPAddress.Loopback, _target), _stopping.Token);
            await Task.WhenAny(CopyAsync(client, server), CopyAsync(server, client));
        }
        catch (Exception over) when (over is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // One side has gone; the other goes too.
        }
        finally
        {
            foreach (var socket in new[] { client, server })
            {
                _sockets.TryRemove(socket, out _);
                socket.Dispose();
            }
        }
    }

    private async Task CopyAsync(Socket from, Socket to)
    {
        var buffer = new byte[64 * 1024];
        try
        {
            while (await from.ReceiveAsync(buffer, _stopping.Token) is > 0 and var count)
            {
                if (Delay > TimeSpan.Zero)
                {
                    // The delay that is asked for: it waits for nothing.
                    Interlocked.Increment(ref _faults);
                    await Task.Delay(Delay, TimeProvider.System, _stopping.Token);
                }

                if (!_passes.Task.IsCompleted)
                {
                    Interlocked.Increment(ref _faults);
                    await _passes.Task.WaitAsync(_stopping.Token);
                }

                for (var sent = 0; sent < count;)
                {
                    sent += await to.SendAsync(buffer.AsMemory(sent, count - sent), _stopping.Token);
                }
            }
        }
        catch (Exception over) when (over is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // One side has gone; the other goes too.
        }
    }
}
