using LlmGateway.Model;
using LlmGateway.Resilience;

namespace LlmGateway.Routing;

/// <summary>
/// Walks a route with company: whenever one attempt runs alone and has been silent for a while, the next target joins it. The first token
/// wins and the other attempt is cancelled; both have their cost. A failure while alone falls through at once, as without hedging.
/// </summary>
internal sealed class HedgedRun(TargetCaller targets, TimeProvider time)
{
    /// <param name="walk">The route.</param>
    /// <param name="silence">How long one may be silent before it gets company.</param>
    /// <param name="cancellationToken">The client's.</param>
    public async Task<HttpResponseMessage> RunAsync(RouteWalk walk, TimeSpan silence, CancellationToken cancellationToken)
    {
        var tally = walk.Request.Tally;
        var running = new List<HedgedAttempt>(2);
        var mayHedge = true;
        try
        {
            while (true)
            {
                if (running.Count == 0)
                {
                    if (walk.Next() is not { } target)
                    {
                        return walk.Fail();
                    }

                    running.Add(Begin(walk.Request, target, AttemptRole.Answer, walk.Turn(), cancellationToken));
                }

                var waitedFrom = time.GetTimestamp();
                var ended = await WaitAsync(running, mayHedge && running.Count == 1 ? silence : null);
                tally.ProviderWait += time.GetElapsedTime(waitedFrom);
                if (ended is null)
                {
                    var other = walk.NextBeside();
                    mayHedge = other is not null;
                    if (other is not null)
                    {
                        running.Add(Begin(walk.Request, other, AttemptRole.Hedge, walk.Turn(hasCompany: true), cancellationToken));
                    }

                    continue;
                }

                var result = await ended.Outcome;
                running.Remove(ended);
                if (result.Response is { } response)
                {
                    tally.Answer = result.Attempt;
                    ended.LiveOnWith(response);
                    return response;
                }

                ended.Dispose();
                var wasExpected = ended.Role == AttemptRole.Answer || running.Count == 0;
                walk.Note(ended.Target, result.Failure!, isFallback: wasExpected);
                if (walk.MustStop && wasExpected)
                {
                    return walk.Fail();
                }
            }
        }
        finally
        {
            foreach (var loser in running)
            {
                await loser.EndAsync();
            }
        }
    }

    private HedgedAttempt Begin(GatewayRequest request, ProviderTarget target, AttemptRole role, CallTurn turn, CancellationToken cancellationToken) =>
        new(target, role, time.GetTimestamp(), token => targets.RunAsync(request, target, role, turn, token), cancellationToken);

    /// <summary>The attempt that ended first; null: the only one has been silent for too long.</summary>
    private async Task<HedgedAttempt?> WaitAsync(List<HedgedAttempt> running, TimeSpan? silence)
    {
        if (silence is not { } limit)
        {
            await Task.WhenAny(running.Select(attempt => attempt.Outcome));
            return running.Find(attempt => attempt.Outcome.IsCompleted);
        }

        var alone = running[0];
        var left = limit - time.GetElapsedTime(alone.Started);
        if (alone.Outcome.IsCompleted || left <= TimeSpan.Zero)
        {
            return alone.Outcome.IsCompleted ? alone : null;
        }

        using var awake = new CancellationTokenSource();
        await Task.WhenAny(alone.Outcome, Task.Delay(left, time, awake.Token));
        awake.Cancel();
        return alone.Outcome.IsCompleted ? alone : null;
    }
}
