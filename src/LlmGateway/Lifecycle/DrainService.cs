using LlmGateway.Configuration;
using Microsoft.AspNetCore.Hosting.Server;

namespace LlmGateway.Lifecycle;

/// <summary>
/// Stops the gateway without breaking what runs: it says that it is going, serves on for the announce time, lets what runs end within the
/// drain time, ends the rest with an error of their own. All this comes before the host stops any of its services.
/// </summary>
internal sealed partial class DrainService(
    GatewayLifecycle lifecycle, RequestGate gate, HostSettings settings, IServer server, TimeProvider time, ILogger<DrainService> logger) : IHostedLifecycleService
{
    /// <summary>What is told to end has this long to write its last bytes.</summary>
    private static readonly TimeSpan LastWords = TimeSpan.FromSeconds(1);

    public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public async Task StoppingAsync(CancellationToken cancellationToken)
    {
        using var hurry = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, lifecycle.Hurried);

        // 1. Whoever balances between instances sees it and goes elsewhere.
        lifecycle.Announce();
        Log.Stopping(logger, settings.AnnounceTime.TotalSeconds, settings.DrainTime.TotalSeconds);
        await WaitAsync(settings.AnnounceTime, hurry.Token);

        // 2. Nobody comes in; what is inside goes on.
        lifecycle.Refuse();
        var start = time.GetTimestamp();
        var idle = gate.WhenIdleAsync();
        await Task.WhenAny(idle, WaitAsync(settings.DrainTime, hurry.Token));

        // 3. What is still there is told to end.
        if (!idle.IsCompleted)
        {
            Log.Ending(logger, gate.Running);
            gate.Disperse();
            await lifecycle.EndAsync();
            await Task.WhenAny(idle, WaitAsync(LastWords, CancellationToken.None));
        }

        // 4. A client that does not even read its last words is cut off, and so is, when the time is over, who has not sent the whole of a
        // request or not read the end of an answer: the server would wait for it.
        var left = settings.DrainTime - time.GetElapsedTime(start);
        using var cut = new CancellationTokenSource(left > LastWords ? left : LastWords, time);
        await using var hurried = hurry.Token.UnsafeRegister(static cut => ((CancellationTokenSource)cut!).CancelAfter(LastWords), cut);
        await server.StopAsync(idle.IsCompleted ? cut.Token : new CancellationToken(canceled: true));

        Log.Drained(logger);
    }

    private async Task WaitAsync(TimeSpan wait, CancellationToken cancellationToken)
    {
        try
        {
            await Task.Delay(wait, time, cancellationToken);
        }
        catch (OperationCanceledException)
        {
            // Hurrying ends the wait, nothing else.
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1201, LogLevel.Information, "Stopping: requests are served for {Announce} s more, then what runs has {Drain} s to end")]
        public static partial void Stopping(ILogger logger, double announce, double drain);

        [LoggerMessage(1202, LogLevel.Warning, "The drain time is over: {Count} requests are ended")]
        public static partial void Ending(ILogger logger, int count);

        [LoggerMessage(1203, LogLevel.Information, "Drained")]
        public static partial void Drained(ILogger logger);
    }
}
