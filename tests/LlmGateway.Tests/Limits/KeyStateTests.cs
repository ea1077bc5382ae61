using LlmGateway.Limits;

namespace LlmGateway.Tests.Limits;

public sealed class KeyStateTests
{
    [Fact]
    public void Requests_beyond_the_limit_are_refused_and_not_counted()
    {
        var state = new KeyState();
        var limits = new KeyLimits(2, null, null);

        var readings = Enumerable.Range(0, 4).Select(_ => state.Enter(limits, 1_000)).ToList();

        Assert.Equal([LimitKind.None, LimitKind.None, LimitKind.Requests, LimitKind.Requests], readings.Select(reading => reading.Refused));
        Assert.Equal([1, 2, 2, 2], readings.Select(reading => reading.UsedRequests));
        Assert.Equal(60_000, readings[3].Wait);
        Assert.Equal(LimitKind.None, state.Enter(limits, 1_000 + 60_000).Refused);
    }

    [Fact]
    public void Places_come_back()
    {
        var state = new KeyState();
        var limits = new KeyLimits(null, null, 1);

        Assert.Equal(LimitKind.None, state.Enter(limits, 0).Refused);
        Assert.Equal(LimitKind.Concurrency, state.Enter(limits, 0).Refused);
        state.Leave(0, 0, 0);

        Assert.Equal(LimitKind.None, state.Enter(limits, 0).Refused);
        Assert.Equal(1, state.Running);
    }

    [Fact]
    public void Tokens_are_put_right_when_the_request_leaves()
    {
        var state = new KeyState();
        var limits = new KeyLimits(null, 1000, null);
        state.Enter(limits, 0);

        Assert.Equal(LimitKind.None, state.CountTokens(1000, 900, 0).Refused);
        Assert.Equal(LimitKind.Tokens, state.CountTokens(1000, 200, 0).Refused);
        state.Leave(0, 100 - 900, 10);

        Assert.Equal(200 + 100, state.CountTokens(1000, 200, 10).UsedTokens);
    }

    [Fact]
    public void Used_up_tokens_stop_requests_at_the_door()
    {
        var state = new KeyState();
        var limits = new KeyLimits(null, 100, null);
        state.Enter(limits, 0);
        state.Leave(0, 100, 0);

        var reading = state.Enter(limits, 1_000);

        Assert.Equal((LimitKind.Tokens, 59_000L), (reading.Refused, reading.Wait));
    }

    [Fact]
    public async Task Threads_together_get_exactly_the_limit()
    {
        var state = new KeyState();
        var limits = new KeyLimits(500, null, null);
        var go = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

        var admitted = await Task.WhenAll(Enumerable.Range(0, 8).Select(async _ =>
        {
            await go.Task.ConfigureAwait(false);
            await Task.Yield();
            return Enumerable.Range(0, 1000).Count(_ => state.Enter(limits, 5).Refused == LimitKind.None);
        }).Append(Release()));

        Assert.Equal(500, admitted.Sum());

        Task<int> Release()
        {
            go.SetResult();
            return Task.FromResult(0);
        }
    }

    [Theory]
    [InlineData(100, 1, 100)]
    [InlineData(100, 3, 33)]
    [InlineData(1, 3, 1)]
    public void A_share_is_never_nothing(int limit, int instances, int share) =>
        Assert.Equal(new KeyLimits(share, share, share), new KeyLimits(limit, limit, limit).Share(instances));
}
