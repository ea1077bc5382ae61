using System.Diagnostics;

namespace LlmGateway.FunctionalTests.Infrastructure;

/// <summary>
/// Starves a gateway of its processor as <c>cpulimit</c> does: it runs for a moment and is stopped for four times as long as that moment really
/// was, again and again, so that it never has more than a fifth of the time. Disposing lets it go on.
/// </summary>
internal sealed class DutyCycle : IAsyncDisposable
{
    private const int StoppedShare = 4;

    private static readonly TimeSpan Moment = TimeSpan.FromMilliseconds(20);

    private readonly CancellationTokenSource _over = new();
    private readonly GatewayProcess _gateway;
    private readonly Task _cycling;

    public DutyCycle(GatewayProcess gateway)
    {
        _gateway = gateway;
        _cycling = CycleAsync();
    }

    /// <summary>How often it was found to be stopped.</summary>
    public int Stops { get; private set; }

    /// <summary>For how long it ran between the stops.</summary>
    public TimeSpan Ran { get; private set; }

    public TimeSpan Stood { get; private set; }

    public async ValueTask DisposeAsync()
    {
        await _over.CancelAsync();
        await _cycling;
        _over.Dispose();
    }

    private async Task CycleAsync()
    {
        // What it runs too long because this process is late itself, it stands still for.
        var ran = Moment;
        while (!_over.IsCancellationRequested)
        {
            _gateway.Signal(GatewayProcess.SigStop);
            Stood += await PassAsync(ran * StoppedShare);
            Stops += ProcessMemory.IsStopped(_gateway.Id) ? 1 : 0;
            _gateway.Signal(GatewayProcess.SigCont);
            ran = await PassAsync(Moment);
            Ran += ran;
        }
    }

    /// <summary>Answers how long it really took.</summary>
    private static async Task<TimeSpan> PassAsync(TimeSpan time)
    {
        var start = Stopwatch.GetTimestamp();
        await Task.Delay(time, TimeProvider.System);
        return Stopwatch.GetElapsedTime(start);
    }
}
