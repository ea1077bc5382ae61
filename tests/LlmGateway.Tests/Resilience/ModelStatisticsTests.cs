using LlmGateway.Model;
using LlmGateway.Resilience;

namespace LlmGateway.Tests.Resilience;

public sealed class ModelStatisticsTests
{
    private readonly FakeTime _time = new();
    private readonly ModelStatistics _statistics = new();

    [Fact]
    public void Record_NothingYet_TellsNothing() => Assert.Equal(
        (0L, 0L, 0, null, null, null, null, null),
        (_statistics.SuccessCount, _statistics.ErrorCount, _statistics.SampleCount, _statistics.LastResponseTime, _statistics.AverageResponseTime, _statistics.AverageTimeToFirstToken, _statistics.TokensPerSecond, _statistics.LastError));

    [Fact]
    public void Record_Stream_MeasuresFirstTokenAndSpeed()
    {
        Record(FailureReason.None, firstToken: 1, rest: 2, output: 60);

        Assert.Equal((TimeSpan.FromSeconds(3), TimeSpan.FromSeconds(1), 30.0), (_statistics.LastResponseTime, _statistics.AverageTimeToFirstToken, _statistics.TokensPerSecond));
    }

    [Fact]
    public void Record_SlowStart_IsForgotten()
    {
        Record(FailureReason.None, firstToken: 100, rest: 1);
        for (var i = 0; i < 30; i++)
        {
            Record(FailureReason.None, firstToken: 1, rest: 1);
        }

        Assert.InRange(_statistics.AverageTimeToFirstToken!.Value.TotalSeconds, 1, 1.2);
        Assert.Equal(31, _statistics.SampleCount);
    }

    [Theory]
    [InlineData(FailureReason.Timeout, 1)]
    [InlineData(FailureReason.RateLimit, 1)]
    [InlineData(FailureReason.Auth, 1)]
    [InlineData(FailureReason.Cancelled, 0)]
    [InlineData(FailureReason.InvalidRequest, 0)]
    [InlineData(FailureReason.ContextLength, 0)]
    [InlineData(FailureReason.ContentFilter, 0)]
    public void Record_Failure_CountsWhatTheModelHasDone(FailureReason outcome, long errors)
    {
        Record(outcome, firstToken: 0, rest: 1);

        Assert.Equal((0, errors, 0), (_statistics.SuccessCount, _statistics.ErrorCount, _statistics.SampleCount));
        Assert.Equal(errors == 0 ? null : outcome, _statistics.LastError?.Reason);
    }

    [Fact]
    public async Task Record_ManyThreads_LoseNothing()
    {
        var average = new DecayingAverage();

        await Parallel.ForAsync(0, 4, TestContext.Current.CancellationToken, (_, _) =>
        {
            for (var i = 0; i < 10_000; i++)
            {
                average.Add(7);
            }

            return ValueTask.CompletedTask;
        });

        Assert.Equal((40_000, 7.0), (average.Samples, Math.Round(average.Value!.Value, 9)));
    }

    private void Record(FailureReason outcome, double firstToken, double rest, long output = 0)
    {
        var call = new AttemptTally(TestRequests.Target(), AttemptRole.Answer, _time.GetTimestamp());
        if (firstToken > 0)
        {
            _time.Advance(TimeSpan.FromSeconds(firstToken));
            call.FirstToken = _time.GetTimestamp();
        }

        _time.Advance(TimeSpan.FromSeconds(rest));
        call.End(outcome, new TokenUsage(1, output), _time.GetTimestamp());
        _statistics.Record(call, isStreaming: true, _time);
    }
}
