using LlmGateway.Model;
using LlmGateway.Usage;

namespace LlmGateway.Tests.Usage;

public sealed class RequestAccountTests
{
    private readonly FakeTime _time = new();
    private readonly RequestTally _tally;

    public RequestAccountTests() => _tally = new("r-1", Guid.CreateVersion7(), _time.GetTimestamp());

    [Fact]
    public void Close_ThreeAttempts_TotalsAreTheirSums()
    {
        End(AttemptRole.Answer, FailureReason.Timeout, null, price: new(1_000_000, 1_000_000, 1_000_000));
        End(AttemptRole.Answer, FailureReason.Connection, new(10, 2, IsEstimated: true), price: new(1_000_000, 3_000_000, 0));
        End(AttemptRole.Answer, FailureReason.None, new(100, 50, 40, 7), price: new(2_000_000, 4_000_000, 500_000));

        var record = Close();

        Assert.Equal(new TokenUsage(110, 52, 40, 7, true), record.Usage);
        Assert.Equal(16 + (120 + 200 + 20), record.CostMicroUsd);
        Assert.Equal([UsageSource.None, UsageSource.Estimated, UsageSource.Provider], record.Attempts.Select(attempt => attempt.Source));
        Assert.Equal([0L, 16L, 340L], record.Attempts.Select(attempt => attempt.CostMicroUsd));
        Assert.Equal(4, record.Attempts.Select(attempt => attempt.Id).Append(record.Id).Distinct().Count());
        Assert.False(record.IsUnpriced);
    }

    [Theory]
    [InlineData(1, 499_999, 0)]
    [InlineData(1, 500_000, 1)]
    [InlineData(3, 150_000, 0)]
    [InlineData(4, 150_000, 1)]
    public void Close_FractionOfAMicroDollar_RoundsHalfUp(long tokens, long price, long expected)
    {
        End(AttemptRole.Answer, FailureReason.None, new(tokens, 0), new(price, 0, 0));

        Assert.Equal(expected, Close().CostMicroUsd);
    }

    [Fact]
    public void Close_TokensWithoutPrice_AreUnpriced()
    {
        End(AttemptRole.Answer, FailureReason.None, new(1, 1), price: null);

        var record = Close();

        Assert.True(record.IsUnpriced);
        Assert.True(record.Attempts[0].IsUnpriced);
        Assert.Equal(0, record.CostMicroUsd);
    }

    [Fact]
    public void Close_FailedWithoutTokensOrPrice_IsNotUnpriced()
    {
        End(AttemptRole.Answer, FailureReason.Connection, null, price: null);

        Assert.False(Close().IsUnpriced);
    }

    [Fact]
    public void Close_NumbersThatCannotBeTrue_CountNothingAndSayEstimated()
    {
        End(AttemptRole.Answer, FailureReason.None, new(-5, long.MaxValue), new(1, 1, 1));

        var record = Close();

        Assert.Equal(new TokenUsage(0, 0, IsEstimated: true), record.Usage);
        Assert.Equal(UsageSource.Estimated, record.Attempts[0].Source);
    }

    [Fact]
    public void Close_AttemptStillOpen_EndsItAsCancelled()
    {
        _tally.Begin(UsageFixture.Target("a"), AttemptRole.Hedge, _time.GetTimestamp());

        Assert.Equal(FailureReason.Cancelled, Assert.Single(Close().Attempts).Outcome);
    }

    [Fact]
    public void Close_Stream_TimesFirstTokenFromArrival()
    {
        _time.Advance(TimeSpan.FromMilliseconds(30));
        var attempt = _tally.Begin(UsageFixture.Target("a"), AttemptRole.Answer, _time.GetTimestamp());
        _time.Advance(TimeSpan.FromMilliseconds(70));
        attempt.FirstToken = _time.GetTimestamp();
        attempt.End(FailureReason.None, new(1, 1), _time.GetTimestamp());
        _tally.Answer = attempt;

        var record = RequestAccount.Close(UsageFixture.Settled(_tally, isStreaming: true), _tally.LastAttempt, _time);

        Assert.Equal(TimeSpan.FromMilliseconds(100), record.TimeToFirstToken);
        Assert.Equal(TimeSpan.FromMilliseconds(70), record.Attempts[0].TimeToFirstToken);
        Assert.Null(Close().TimeToFirstToken);
    }

    [Fact]
    public void Close_NoAttempt_IsStillARecord()
    {
        var record = Close();

        Assert.Empty(record.Attempts);
        Assert.Null(record.Provider);
        Assert.Equal("crm", record.Key);
    }

    [Fact]
    public void Close_LongModelName_IsCut()
    {
        _tally.Begin(UsageFixture.Target("a", new string('x', 500)), AttemptRole.Answer, _time.GetTimestamp()).End(FailureReason.None, null, _time.GetTimestamp());

        Assert.Equal(128, Close().Attempts[0].Model.Length);
    }

    [Fact]
    public void CostOf_AMillionRandomUsages_IsThatOfExactArithmetic()
    {
        const int Seed = 20261121;
        var random = new Random(Seed);
        for (var i = 0; i < 1_000_000; i++)
        {
            var price = new ModelPrice(random.NextInt64(200_000_000), random.NextInt64(600_000_000), random.NextInt64(100_000_000));
            var input = random.NextInt64(TokenUsage.Sane);
            var usage = new TokenUsage(input, random.NextInt64(TokenUsage.Sane), random.NextInt64(input + 1));

            var exact = ((decimal)(usage.Input - usage.CachedInput) * price.InputMicroUsdPer1M) + ((decimal)usage.CachedInput * price.CachedInputMicroUsdPer1M) + ((decimal)usage.Output * price.OutputMicroUsdPer1M);
            var expected = (long)Math.Floor((exact / 1_000_000) + 0.5m);

            if (expected != price.CostOf(usage))
            {
                Assert.Fail($"seed {Seed}, round {i}: {usage} at {price}: {price.CostOf(usage)}, not {expected}");
            }
        }
    }

    [Fact]
    public void CostsOf_EachType_IsWhatItsTokensCost_AndRoundingIsNotLost()
    {
        var usage = new TokenUsage(100, 20, 40);

        Assert.Equal(new TokenCosts(150, 50, 200), new ModelPrice(2_500_000, 10_000_000, 1_250_000).CostsOf(usage));

        // 0.3, 0.3 and 0.3 micro-dollars: nothing each, and one together.
        Assert.Equal(new TokenCosts(0, 1, 0), new ModelPrice(5_000, 15_000, 7_500).CostsOf(usage));
    }

    [Fact]
    public void Close_PriceChangedMeanwhile_CountsByTheOneThatTheCallBeganWith()
    {
        var target = UsageFixture.Target("a", price: new(1_000_000, 0, 0));
        var attempt = _tally.Begin(target, AttemptRole.Answer, _time.GetTimestamp());
        _ = target with { ModelConfig = new() { Name = "m", Price = new(9_000_000, 0, 0) } };
        attempt.End(FailureReason.None, new(10, 0), _time.GetTimestamp());

        Assert.Equal(10, Close().CostMicroUsd);
    }

    private RequestRecord Close() => RequestAccount.Close(UsageFixture.Settled(_tally), _tally.LastAttempt, _time);

    private void End(AttemptRole role, FailureReason outcome, TokenUsage? usage, ModelPrice? price) =>
        _tally.Begin(UsageFixture.Target("a", price: price), role, _time.GetTimestamp()).End(outcome, usage, _time.GetTimestamp());
}
