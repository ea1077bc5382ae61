using LlmGateway.Model;

namespace LlmGateway.Resilience;

/// <summary>Calls one target, with all that stands between a strategy and the attempt itself: its health, its limits, its retries.</summary>
internal sealed class TargetCaller(ProviderAttempt attempts, TargetStates states, TimeProvider time)
{
    /// <summary>With less time than this left, an attempt could only fail.</summary>
    public static readonly TimeSpan LeastTime = TimeSpan.FromMilliseconds(200);

    /// <summary>
    /// Answers in OpenAI's form, or says why not. <see cref="FailureReason.CircuitOpen"/> and <see cref="FailureReason.Unsupported"/> mean
    /// that the target was left out: nothing was sent, and it is no attempt.
    /// </summary>
    public Task<AttemptResult> RunAsync(GatewayRequest request, ProviderTarget target, AttemptRole role, CancellationToken cancellationToken) =>
        RunAsync(request, target, role, default, cancellationToken);

    /// <param name="request">The request.</param>
    /// <param name="target">Who is called.</param>
    /// <param name="role">What for.</param>
    /// <param name="turn">Where the call stands in its route; the default is the only choice, without retries.</param>
    /// <param name="cancellationToken">The client's, or that of a race that the call may lose.</param>
    public async Task<AttemptResult> RunAsync(GatewayRequest request, ProviderTarget target, AttemptRole role, CallTurn turn, CancellationToken cancellationToken)
    {
        var state = states.Of(target);
        var credentials = CallCredentials.Of(target, request);
        AttemptFailure? previous = null;
        for (var retry = 0; ; retry++)
        {
            var admission = state.TryEnter(credentials, request.Config, turn.HasNext);
            if (admission.Refusal is { WorthWaiting.Ticks: > 0 })
            {
                admission = await WaitAsync(request, credentials, state, admission, turn.HasNext, cancellationToken);
            }

            if (admission.Refusal is { } refusal)
            {
                return AttemptResult.Failed(previous ?? refusal.ToFailure());
            }

            if (retry == 0 && turn.RetriesLeft > 0)
            {
                state.Retries.NoteCall();
            }

            var result = await attempts.RunAsync(request, target, role, state, admission.Slot, cancellationToken);
            if (result.Failure is not { } failure)
            {
                return result;
            }

            previous = failure with { Previous = previous };
            if (retry >= turn.RetriesLeft || !await MayRetryAsync(request, state, previous, retry, turn.HasNext, cancellationToken))
            {
                return AttemptResult.Failed(previous);
            }
        }
    }

    /// <summary>Waits until the target lets the call in, as long as that is worth it.</summary>
    private async ValueTask<Admission> WaitAsync(
        GatewayRequest request, CallCredentials credentials, TargetState state, Admission admission, bool hasNext, CancellationToken cancellationToken)
    {
        var end = time.GetTimestamp() + (long)(admission.Refusal!.WorthWaiting.TotalSeconds * time.TimestampFrequency);
        while (admission.Refusal is { WorthWaiting.Ticks: > 0 } refusal)
        {
            var left = Least(refusal.WorthWaiting, time.GetElapsedTime(time.GetTimestamp(), end), request.TimeLeft(time) - LeastTime);
            if (left <= TimeSpan.Zero)
            {
                break;
            }

            var place = state.Line.Join();
            admission = state.TryEnter(credentials, request.Config, hasNext);
            if (admission.Refusal is { WorthWaiting.Ticks: > 0 })
            {
                await state.Line.WaitAsync(place, TimeSpan.FromMilliseconds(Math.Ceiling(left.TotalMilliseconds)), cancellationToken);
                admission = state.TryEnter(credentials, request.Config, hasNext);
            }
        }

        return admission;
    }

    private async ValueTask<bool> MayRetryAsync(
        GatewayRequest request, TargetState state, AttemptFailure failure, int retry, bool hasNext, CancellationToken cancellationToken)
    {
        // What the provider asks for is not waited for while another target may answer.
        var asked = failure.Cooldown;
        if (failure.IsLeftOut || !RetryDelay.IsWorth(failure.Reason) || asked > TargetState.LongestWait || (asked is not null && hasNext))
        {
            return false;
        }

        var wait = RetryDelay.Of(retry, asked, Random.Shared.NextDouble());
        if (request.TimeLeft(time) - wait < LeastTime || !state.Circuit.IsClosed || !state.Retries.TryTake())
        {
            return false;
        }

        request.Tally.NoteFallback(failure.Reason);
        await Task.Delay(wait, time, cancellationToken);
        return true;
    }

    private static TimeSpan Least(TimeSpan one, TimeSpan two, TimeSpan three)
    {
        var least = one < two ? one : two;
        return least < three ? least : three;
    }
}
