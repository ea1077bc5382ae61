using LlmGateway.Model;
using LlmGateway.Resilience;

namespace LlmGateway.Tests.Resilience;

public sealed class RetryDelayTests
{
    [Theory]
    [InlineData(0, 0, 125)]
    [InlineData(0, 1, 250)]
    [InlineData(1, 0, 250)]
    [InlineData(2, 1, 1000)]
    [InlineData(9, 1, 2000)]
    public void Of_Doubles(int retry, double random, double milliseconds) =>
        Assert.Equal(TimeSpan.FromMilliseconds(milliseconds), RetryDelay.Of(retry, null, random));

    [Theory]
    [InlineData(1000, 0, 1000)]
    [InlineData(1000, 1, 1025)]
    [InlineData(0, 0, 125)]
    [InlineData(60_000, 0, 60_000)]
    public void Of_ProviderAsked_IsNeverShorter(double asked, double random, double milliseconds) =>
        Assert.Equal(TimeSpan.FromMilliseconds(milliseconds), RetryDelay.Of(0, TimeSpan.FromMilliseconds(asked), random));

    [Theory]
    [InlineData(FailureReason.Connection, true)]
    [InlineData(FailureReason.ServerError, true)]
    [InlineData(FailureReason.RateLimit, true)]
    [InlineData(FailureReason.Timeout, false)]
    [InlineData(FailureReason.Auth, false)]
    [InlineData(FailureReason.InvalidRequest, false)]
    [InlineData(FailureReason.InvalidResponse, false)]
    [InlineData(FailureReason.CircuitOpen, false)]
    public void IsWorth_OnlyWhatMayPass(FailureReason reason, bool expected) => Assert.Equal(expected, RetryDelay.IsWorth(reason));
}
