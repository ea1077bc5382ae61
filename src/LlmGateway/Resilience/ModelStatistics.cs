using LlmGateway.Model;

namespace LlmGateway.Resilience;

/// <summary>
/// What the ended calls to one target have shown since the gateway started. Calls that their client left, and those that failed by the
/// client's own fault, say nothing about the model and are not counted.
/// </summary>
internal sealed class ModelStatistics
{
    private readonly DecayingAverage _responseTime = new();
    private readonly DecayingAverage _timeToFirstToken = new();
    private readonly DecayingAverage _tokensPerSecond = new();
    private long _successes;
    private long _errors;
    private long _lastResponseTicks = -1;
    private AttemptProblem? _lastError;

    public long SuccessCount => Interlocked.Read(ref _successes);

    public long ErrorCount => Interlocked.Read(ref _errors);

    /// <summary>How many answers the averages are made of.</summary>
    public int SampleCount => _responseTime.Samples;

    /// <summary>How long the latest answer took as a whole; null before the first.</summary>
    public TimeSpan? LastResponseTime => Interlocked.Read(ref _lastResponseTicks) is >= 0 and var ticks ? TimeSpan.FromTicks(ticks) : null;

    /// <summary>Decaying average of whole answers, streamed or not; null before the first.</summary>
    public TimeSpan? AverageResponseTime => ToTime(_responseTime.Value);

    /// <summary>Decaying average over streams; null before the first stream.</summary>
    public TimeSpan? AverageTimeToFirstToken => ToTime(_timeToFirstToken.Value);

    /// <summary>Decaying average of output tokens by the time that it took to generate them; null before the first answer that tells.</summary>
    public double? TokensPerSecond => _tokensPerSecond.Value;

    /// <summary>The latest failure; it stays when calls succeed again.</summary>
    public AttemptProblem? LastError => Volatile.Read(ref _lastError);

    /// <summary>Takes in a call that has ended.</summary>
    public void Record(AttemptTally call, bool isStreaming, TimeProvider time)
    {
        if (call.Outcome == FailureReason.None)
        {
            Interlocked.Increment(ref _successes);
            RecordTimes(call, isStreaming, time);
        }
        else if (call.Outcome is not (FailureReason.Cancelled or FailureReason.InvalidRequest or FailureReason.ContextLength or FailureReason.ContentFilter))
        {
            Interlocked.Increment(ref _errors);
            Volatile.Write(ref _lastError, new AttemptProblem(call.Outcome, call.Status, time.GetUtcNow()));
        }
    }

    private void RecordTimes(AttemptTally call, bool isStreaming, TimeProvider time)
    {
        var whole = call.Duration(time);
        Interlocked.Exchange(ref _lastResponseTicks, whole.Ticks);
        _responseTime.Add(whole.TotalSeconds);
        var generation = whole;
        if (isStreaming && call.FirstToken != 0)
        {
            var first = time.GetElapsedTime(call.Started, call.FirstToken);
            _timeToFirstToken.Add(first.TotalSeconds);
            generation = whole - first;
        }

        if (call.Usage is { Output: > 1 } usage && generation > TimeSpan.Zero)
        {
            _tokensPerSecond.Add(usage.Output / generation.TotalSeconds);
        }
    }

    private static TimeSpan? ToTime(double? seconds) => seconds is { } value ? TimeSpan.FromSeconds(value) : null;
}
