using LlmGateway.Model;
using LlmGateway.Resilience;

namespace LlmGateway.Tests.Resilience;

public sealed class TargetStateTests
{
    private static readonly CallCredentials Mine = new("sk-mine", null);

    private static readonly GatewayConfig Config = TestRequests.Config(new AgentProfile { Name = "default", Target = TestRequests.Target() }) with
    {
        Circuit = new CircuitConfig { Failures = 3, Break = TimeSpan.FromSeconds(10) },
    };

    private readonly FakeTime _time = new();
    private readonly List<CircuitPosition> _changes = [];
    private readonly TargetState _state;

    public TargetStateTests() => _state = new TargetState(_time, (position, _, _) => _changes.Add(position));

    [Fact]
    public void TryEnter_FailuresInRow_OpenAndCloseByOneProbe()
    {
        Repeat(3, FailureReason.Timeout);
        Assert.Equal("too many failures lately", Refused().Why);
        _time.Advance(TimeSpan.FromSeconds(9.9));
        Assert.Equal(FailureReason.Timeout, Refused().Cause);

        _time.Advance(TimeSpan.FromSeconds(0.1));
        var probe = Enter();
        Assert.Contains("finding out", Refused().Why, StringComparison.Ordinal);
        _state.Answered(probe, Mine);
        var second = Enter();

        Assert.Equal([CircuitPosition.Open, CircuitPosition.HalfOpen, CircuitPosition.Closed], _changes);
        End(probe, FailureReason.None, hasAnswered: true);
        End(second, FailureReason.None);
    }

    [Fact]
    public void End_ProbeFails_OpensAnew()
    {
        Repeat(3, FailureReason.ServerError);
        _time.Advance(TimeSpan.FromSeconds(10));

        End(Enter(), FailureReason.Connection);

        Assert.Equal(TimeSpan.FromSeconds(10), Refused().RetryAfter);
        Assert.Equal([CircuitPosition.Open, CircuitPosition.HalfOpen, CircuitPosition.Open], _changes);
    }

    [Theory]
    [InlineData(FailureReason.Cancelled, 2)]
    [InlineData(FailureReason.InvalidRequest, 0)]
    [InlineData(FailureReason.RateLimit, 0)]
    public void End_ProbeTellsNothing_TheNextFindsOut(FailureReason outcome, int position)
    {
        Repeat(3, FailureReason.ServerError);
        _time.Advance(TimeSpan.FromSeconds(10));

        End(Enter(), outcome);

        Assert.Equal((CircuitPosition)position, _state.Circuit.Position);
        End(Enter(), FailureReason.None);
        Assert.Equal(CircuitPosition.Closed, _state.Circuit.Position);
    }

    [Theory]
    [InlineData(FailureReason.Cancelled)]
    [InlineData(FailureReason.InvalidRequest)]
    [InlineData(FailureReason.ContextLength)]
    [InlineData(FailureReason.ContentFilter)]
    [InlineData(FailureReason.RateLimit)]
    [InlineData(FailureReason.ModelUnavailable)]
    [InlineData(FailureReason.Auth)]
    public void End_NotTheTargetsFault_NeverCounts(FailureReason outcome)
    {
        Repeat(100, outcome);

        Assert.Empty(_changes);
    }

    [Fact]
    public void End_SuccessInBetween_StartsTheRowAnew()
    {
        Repeat(2, FailureReason.ServerError);
        Repeat(1, FailureReason.None);
        Repeat(2, FailureReason.ServerError);

        Assert.Empty(_changes);
    }

    [Fact]
    public void End_HalfOfTwentyFail_Opens()
    {
        for (var i = 0; i < 9; i++)
        {
            Repeat(1, FailureReason.None);
            Repeat(1, FailureReason.ServerError);
        }

        Repeat(1, FailureReason.None);
        Assert.Empty(_changes);
        Repeat(1, FailureReason.ServerError);

        Assert.Equal([CircuitPosition.Open], _changes);
    }

    [Fact]
    public void End_HalfOfTwentyOverLongerThanTheWindow_StaysClosed()
    {
        for (var i = 0; i < 30; i++)
        {
            Repeat(1, FailureReason.None);
            Repeat(1, FailureReason.ServerError);
            _time.Advance(TimeSpan.FromSeconds(4));
        }

        Assert.Empty(_changes);
    }

    [Fact]
    public void End_CutStreams_Count()
    {
        for (var i = 0; i < 3; i++)
        {
            var slot = Enter();
            _state.Answered(slot, Mine);
            End(slot, FailureReason.Connection, hasAnswered: true);
        }

        Assert.Equal([CircuitPosition.Open], _changes);
    }

    [Fact]
    public void End_FailuresFromBeforeTheClosing_AreOldNews()
    {
        var slow = Enumerable.Range(0, 10).Select(_ => Enter()).ToList();
        Repeat(3, FailureReason.ServerError);
        _time.Advance(TimeSpan.FromSeconds(10));
        End(Enter(), FailureReason.None);

        slow.ForEach(slot => End(slot, FailureReason.Timeout));

        Assert.Equal([CircuitPosition.Open, CircuitPosition.HalfOpen, CircuitPosition.Closed], _changes);
    }

    [Fact]
    public void CoolDown_LimitsLikeTheProviderSays()
    {
        _state.CoolDown(TimeSpan.FromSeconds(30));
        _state.CoolDown(TimeSpan.FromSeconds(5));
        Assert.Equal((FailureReason.RateLimit, TimeSpan.FromSeconds(30), TimeSpan.Zero), (Refused().Cause, Refused().RetryAfter, Refused(hasNext: false).WorthWaiting));

        _time.Advance(TimeSpan.FromSeconds(29));
        Assert.Equal((TimeSpan.Zero, TimeSpan.FromSeconds(1)), (Refused(hasNext: true).WorthWaiting, Refused(hasNext: false).WorthWaiting));

        _time.Advance(TimeSpan.FromSeconds(1));
        Enter();
    }

    [Fact]
    public void Refuse_OtherCredentialsGoOn()
    {
        _state.Refuse(Mine, Config.Circuit);

        Assert.Equal(FailureReason.Auth, Refused().Cause);
        Assert.Null(_state.TryEnter(Mine with { Ticket = "another" }, Config, hasNext: true).Refusal);

        _time.Advance(TimeSpan.FromSeconds(10));
        var probe = Enter();
        Assert.Equal(FailureReason.Auth, Refused().Cause);
        _state.Answered(probe, Mine);
        Enter();
    }

    [Fact]
    public void TryEnter_NeverAnsweredYet_LetsInAsManyAsWouldOpenTheCircuit()
    {
        var first = Enumerable.Range(0, 3).Select(_ => Enter()).ToList();

        Assert.Equal(TimeSpan.FromSeconds(5), Refused().WorthWaiting);
        _time.Advance(TimeSpan.FromSeconds(1.5));
        Assert.Equal(TimeSpan.FromSeconds(3.5), Refused().WorthWaiting);
        Assert.Null(_state.TryEnter(Mine, Config, hasNext: false).Refusal);

        End(first[0], FailureReason.Timeout);
        Assert.NotNull(_state.TryEnter(Mine, Config, hasNext: true).Refusal);
        _state.Answered(first[1], Mine);
        for (var i = 0; i < 50; i++)
        {
            Enter();
        }
    }

    [Fact]
    public void TryEnter_NewAndSlow_IsTrustedAfterAWhile()
    {
        for (var i = 0; i < 3; i++)
        {
            Enter();
        }

        _time.Advance(TimeSpan.FromSeconds(5));

        for (var i = 0; i < 50; i++)
        {
            Enter();
        }
    }

    [Fact]
    public void TryEnter_FailedTwiceAndSilent_IsLeftForTheNext()
    {
        Repeat(1, FailureReason.None);
        Repeat(2, FailureReason.ServerError);
        Enter();

        Assert.Equal(TargetState.LongestWait, Refused().WorthWaiting);
        _time.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(TimeSpan.Zero, Refused().WorthWaiting);
    }

    [Fact]
    public void TryEnter_AnsweredBeforeAndSlow_IsTrusted()
    {
        Repeat(1, FailureReason.None);
        for (var i = 0; i < 50; i++)
        {
            Enter();
        }

        _time.Advance(TimeSpan.FromSeconds(30));

        Enter();
    }

    [Fact]
    public void TryEnter_AllCallsAtOnceAreTaken_NextTargetAtOnceOrABriefWait()
    {
        var config = Config with { MaxConcurrencyPerTarget = 2 };
        Repeat(1, FailureReason.None);
        var slot = Enter();
        Enter();

        Assert.Equal(TimeSpan.Zero, _state.TryEnter(Mine, config, hasNext: true).Refusal!.WorthWaiting);
        Assert.Equal(TargetState.LongestWait, _state.TryEnter(Mine, config, hasNext: false).Refusal!.WorthWaiting);

        End(slot, FailureReason.None);
        Assert.Null(_state.TryEnter(Mine, config, hasNext: true).Refusal);
    }

    [Fact]
    public async Task TryEnter_ManyThreads_LoseNoSlot()
    {
        var config = Config with { MaxConcurrencyPerTarget = 5 };
        var most = 0;
        await Parallel.ForAsync(0, 4, TestContext.Current.CancellationToken, (_, _) =>
        {
            for (var i = 0; i < 20_000; i++)
            {
                if (_state.TryEnter(Mine, config, hasNext: false) is { Refusal: null, Slot: var slot })
                {
                    InterlockedMax(ref most, _state.Running);
                    End(slot, FailureReason.None);
                }
            }

            return ValueTask.CompletedTask;
        });

        Assert.Equal(0, _state.Running);
        Assert.InRange(most, 1, 9);
        Assert.Empty(_changes);
    }

    [Fact]
    public void RetryBudget_TenInAnyCaseAndAFifthOfMany()
    {
        var budget = new RetryBudget(_time);
        Assert.Equal(10, Take());
        for (var i = 0; i < 200; i++)
        {
            budget.NoteCall();
        }

        Assert.Equal(30, Take());
        _time.Advance(TimeSpan.FromSeconds(35));
        Assert.Equal(10, Take());

        int Take() => Enumerable.Range(0, 1000).Count(_ => budget.TryTake());
    }

    private static void InterlockedMax(ref int most, int value)
    {
        for (var seen = most; value > seen; seen = most)
        {
            Interlocked.CompareExchange(ref most, value, seen);
        }
    }

    private CallSlot Enter()
    {
        var admission = _state.TryEnter(Mine, Config, hasNext: false);
        Assert.Null(admission.Refusal);
        return admission.Slot;
    }

    private AdmissionRefusal Refused(bool hasNext = true) => _state.TryEnter(Mine, Config, hasNext).Refusal!;

    private void End(CallSlot slot, FailureReason outcome, bool hasAnswered = false)
    {
        if (outcome == FailureReason.None && !hasAnswered)
        {
            _state.Answered(slot, Mine);
            hasAnswered = true;
        }

        _state.End(slot, outcome, hasAnswered, Config.Circuit);
    }

    private void Repeat(int count, FailureReason outcome)
    {
        for (var i = 0; i < count; i++)
        {
            End(Enter(), outcome);
        }
    }
}
