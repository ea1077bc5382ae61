using LlmGateway.Database;
using LlmGateway.Model;
using LlmGateway.Telemetry;
using LlmGateway.Usage.Journal;

namespace LlmGateway.Usage;

/// <summary>
/// Accounts for a request when it has ended: makes its records, counts them in the metrics, hands them to the journal. It runs on the
/// request's thread, never waits and never fails a request.
/// </summary>
public sealed class UsageRecorder
{
    private readonly UsageJournal _journal;
    private readonly IDatabase _database;
    private readonly GatewayMetrics _metrics;
    private readonly TimeProvider _time;

    internal UsageRecorder(UsageJournal journal, IDatabase database, GatewayMetrics metrics, TimeProvider time)
    {
        _journal = journal;
        _database = database;
        _metrics = metrics;
        _time = time;
    }

    /// <summary>Call it once for each authenticated inference request, after its attempts have ended; the record is what the request line logs.</summary>
    public RequestRecord Settle(in SettledRequest request)
    {
        var last = request.Tally.LastAttempt;
        var record = RequestAccount.Close(request, last, _time);
        Count(request, record, last);
        _journal.Add(record);
        if (!_database.IsUp)
        {
            _metrics.UsageRecords(UsageRecordResults.Spooled, 1);
        }

        return record;
    }

    private void Count(in SettledRequest request, RequestRecord record, AttemptTally? last)
    {
        var index = record.Attempts.Count;
        AttemptTally? later = null;
        var costs = default(TokenCosts);
        for (var attempt = last; attempt is not null; attempt = attempt.Previous)
        {
            var closed = record.Attempts[--index];
            _metrics.Attempt(attempt.Target, closed.Outcome);
            if (closed.Source != UsageSource.None)
            {
                _metrics.Tokens(request.Agent, attempt.Target, closed.Usage);
                _metrics.Cost(request.Agent, attempt.Target, closed.CostMicroUsd);
                costs += attempt.Target.ModelConfig?.Price?.CostsOf(closed.Usage) ?? default;
            }

            if (attempt.Role is AttemptRole.Answer or AttemptRole.Hedge or AttemptRole.Candidate)
            {
                // One that lost a race was cancelled, and has not failed.
                if (later is not null && closed.Outcome is not (FailureReason.None or FailureReason.Cancelled) && !IsSame(attempt.Target, later.Target))
                {
                    _metrics.Fallback(request.Agent, attempt.Target, later.Target, closed.Outcome);
                }

                later = attempt;
            }
        }

        if (request.Department is { } department)
        {
            _metrics.Department(department, record.Usage, costs);
        }

        if (record.TimeToFirstToken is { } firstToken && request.Tally.Answer is { } answer)
        {
            _metrics.TimeToFirstToken(request.Agent, answer.Target, firstToken, request.Tally.SampledTraceId);
            if (answer is { Outcome: FailureReason.None, Usage: { IsSane: true, Output: > 1 and var output } })
            {
                _metrics.TimePerOutputToken(answer.Target, _time.GetElapsedTime(answer.FirstToken, answer.Ended) / (output - 1));
            }
        }
    }

    /// <summary>A second try of the same target is no fallback.</summary>
    private static bool IsSame(ProviderTarget one, ProviderTarget other) =>
        ReferenceEquals(one, other) || (one.Provider.Name == other.Provider.Name && one.Model == other.Model);
}
