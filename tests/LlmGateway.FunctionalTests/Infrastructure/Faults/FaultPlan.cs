using System.Collections.Concurrent;
using LlmGateway.Model;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace LlmGateway.FunctionalTests.Infrastructure;

/// <summary>
/// One request whose points are counted: wherever it awaits something that a test can stand in for. At the chosen one the fault happens, once.
/// What was set aside for its calls is watched.
/// </summary>
/// <param name="number">At which point, from 1.</param>
/// <param name="kind">What happens there.</param>
internal sealed class FaultPlan(int number, FaultKind kind)
{
    private static readonly AsyncLocal<FaultPlan?> OfRequest = new();

    private readonly ConcurrentQueue<string> _points = new();
    private int _count;

    /// <summary>The plan of the request that runs here; null: of one that is left in peace.</summary>
    public static FaultPlan? Current { get => OfRequest.Value; set => OfRequest.Value = value; }

    public HttpContext? Context { get; set; }

    /// <summary>Where the fault happened; null: the request had fewer points.</summary>
    public string? Fired { get; private set; }

    /// <summary>The points that were reached, in their order.</summary>
    public IReadOnlyCollection<string> Points => _points;

    /// <summary>What was set aside for each of its calls.</summary>
    public ConcurrentQueue<WatchedHold> Holds { get; } = new();

    public static ValueTask HitAsync(string point, CancellationToken cancellationToken) => Current is { } plan ? plan.ReachAsync(point, cancellationToken) : default;

    private async ValueTask ReachAsync(string point, CancellationToken cancellationToken)
    {
        _points.Enqueue(point);
        if (Interlocked.Increment(ref _count) != number)
        {
            return;
        }

        Fired = point;
        if (kind == FaultKind.Throw)
        {
            throw new InjectedFaultException(point);
        }

        Context!.Abort();
        await CancelledAsync(Context.Features.GetRequiredFeature<IConnectionLifetimeFeature>().ConnectionClosed);
        if (Context.RequestAborted is { CanBeCanceled: true } left)
        {
            // Once the answer's last byte is written the server has nothing left to cancel.
            await CancelledAsync(left);
        }

        cancellationToken.ThrowIfCancellationRequested();
    }

    private static async Task CancelledAsync(CancellationToken token)
    {
        var cancelled = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using (token.Register(() => cancelled.TrySetResult()))
        {
            await cancelled.Task.WaitAsync(Eventually.DefaultLimit, CancellationToken.None);
        }
    }

    /// <summary>A hold that counts how often it ends.</summary>
    internal sealed class WatchedHold(ProviderTarget target, ICallHold hold) : ICallHold
    {
        private int _ends;

        public ProviderTarget Target => target;

        public int Ends => Volatile.Read(ref _ends);

        public void End(AttemptTally call)
        {
            Interlocked.Increment(ref _ends);
            hold.End(call);
        }
    }
}
