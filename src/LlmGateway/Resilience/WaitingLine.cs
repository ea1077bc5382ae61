using System.Collections.Concurrent;

namespace LlmGateway.Resilience;

/// <summary>Calls that wait for news of a target. Nobody waiting costs one read.</summary>
internal sealed class WaitingLine(TimeProvider time)
{
    private readonly ConcurrentQueue<TaskCompletionSource> _waiting = new();

    /// <summary>Steps in line. Look again afterwards whether waiting is still needed, and only then wait: so that no news is missed.</summary>
    public Task Join()
    {
        var place = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _waiting.Enqueue(place);
        return place.Task;
    }

    /// <summary>Waits for news, or for the limit.</summary>
    public async ValueTask WaitAsync(Task place, TimeSpan limit, CancellationToken cancellationToken)
    {
        try
        {
            await place.WaitAsync(limit, time, cancellationToken);
        }
        catch (TimeoutException)
        {
            // No news: the caller looks for itself.
        }
    }

    /// <summary>There is news: everybody looks again.</summary>
    public void WakeAll()
    {
        if (_waiting.IsEmpty)
        {
            return;
        }

        for (var left = _waiting.Count; left > 0 && _waiting.TryDequeue(out var place); left--)
        {
            place.TrySetResult();
        }
    }
}
