using LlmGateway.Resilience;

namespace LlmGateway.Tests.Resilience;

public sealed class AttemptDeadlineTests
{
    private readonly FakeTime _time = new();

    private AttemptDeadline Create(double limit, double total = 600) => CreateFor(limit, total, CancellationToken.None);

    private AttemptDeadline CreateFor(double limit, double total, CancellationToken client) =>
        new(_time, TimeSpan.FromSeconds(limit), _time.GetTimestamp() + TimeSpan.FromSeconds(total).Ticks, pulse: null, client);

    private AttemptDeadline CreateWith(ProcessPulse pulse, double limit) =>
        new(_time, TimeSpan.FromSeconds(limit), _time.GetTimestamp() + TimeSpan.FromSeconds(600).Ticks, pulse, CancellationToken.None);

    /// <summary>Each is a tenth of a second.</summary>
    private void Starve(int cycles)
    {
        for (var cycle = 0; cycle < cycles; cycle++)
        {
            Pass(0.02);
            StandStill(0.08);
        }
    }

    private void Pass(double seconds) => _time.Advance(TimeSpan.FromSeconds(seconds));

    private void StandStill(double seconds) => _time.StandStill(TimeSpan.FromSeconds(seconds));

    [Fact]
    public void Limit_Passes_CancelsAndSaysSo()
    {
        using var deadline = Create(limit: 2);

        Pass(1.9);
        Assert.False(deadline.Token.IsCancellationRequested);
        Pass(0.2);

        Assert.True(deadline.Token.IsCancellationRequested && deadline.HasTimedOut);
    }

    [Fact]
    public void Total_RunsOutFirst_Cancels()
    {
        using var deadline = Create(limit: 60, total: 5);

        Pass(5);

        Assert.True(deadline.HasTimedOut);
    }

    [Fact]
    public void Restart_ByEachToken_CountsAnew()
    {
        using var deadline = Create(limit: 10);
        for (var token = 0; token < 5; token++)
        {
            Pass(2.9);
            deadline.Restart(TimeSpan.FromSeconds(3));
        }

        Assert.False(deadline.HasTimedOut);
        Pass(3);

        Assert.True(deadline.HasTimedOut);
    }

    [Fact]
    public void Restart_NeverOutlivesTheTotal()
    {
        using var deadline = Create(limit: 3, total: 10);
        for (var second = 0; second < 10; second++)
        {
            deadline.Restart(TimeSpan.FromSeconds(3));
            Pass(1);
        }

        Assert.True(deadline.HasTimedOut);
    }

    [Fact]
    public void Pause_WhileTheClientReads_IsNotTheProvidersTime()
    {
        using var deadline = Create(limit: 3);
        Pass(2);
        deadline.Pause();

        Pass(100);
        Assert.False(deadline.HasTimedOut);
        deadline.Resume();
        Pass(0.9);
        Assert.False(deadline.HasTimedOut);
        Pass(0.2);

        Assert.True(deadline.HasTimedOut);
    }

    [Fact]
    public void Pause_BeyondTheTotal_Cancels()
    {
        using var deadline = Create(limit: 3, total: 20);
        deadline.Pause();

        Pass(20);

        Assert.True(deadline.HasTimedOut);
    }

    [Fact]
    public void Client_GoesAway_CancelsWithoutTimingOut()
    {
        using var client = new CancellationTokenSource();
        using var deadline = CreateFor(3, 600, client.Token);

        client.Cancel();

        Assert.True(deadline.Token.IsCancellationRequested);
        Assert.False(deadline.HasTimedOut);
    }

    [Fact]
    public void ProcessStandsStill_BeyondTheLimit_GivesAMomentMoreOnce()
    {
        using var deadline = Create(limit: 2);
        Pass(1);

        StandStill(4);
        Assert.False(deadline.Token.IsCancellationRequested);
        Pass(0.49);
        Assert.False(deadline.Token.IsCancellationRequested);
        Pass(0.01);

        Assert.True(deadline.HasTimedOut && deadline.IsOwnFault);
    }

    [Fact]
    public void ProcessStandsStill_AgainInTheMoment_GivesNoOther()
    {
        using var deadline = Create(limit: 2);

        StandStill(4);
        StandStill(4);

        Assert.True(deadline.HasTimedOut);
    }

    [Fact]
    public void ProcessStandsStill_AndATokenCameMeanwhile_GoesOn()
    {
        using var deadline = Create(limit: 2);

        StandStill(4);
        deadline.Restart(TimeSpan.FromSeconds(2));
        Pass(1.9);
        Assert.False(deadline.HasTimedOut);
        Pass(0.1);

        // Two seconds that the process was there for: the provider's own silence.
        Assert.True(deadline.HasTimedOut && !deadline.IsOwnFault);
    }

    [Fact]
    public void ProcessStandsStill_BeyondTheTotal_GivesAMomentMore()
    {
        using var deadline = Create(limit: 60, total: 5);

        StandStill(5.3);
        Assert.False(deadline.HasTimedOut);
        Pass(0.3);

        Assert.True(deadline.HasTimedOut);
    }

    // Late by little of a long limit: time enough to read, and the provider answers for its silence.
    [Fact]
    public void TimerFiresLate_GivesAMomentMore_AndBlamesTheProvider()
    {
        using var deadline = Create(limit: 60);

        StandStill(60.3);
        Assert.False(deadline.HasTimedOut);
        Pass(0.3);

        Assert.True(deadline.HasTimedOut && !deadline.IsOwnFault);
    }

    [Fact]
    public void TimerFiresAsLateAsOnABusyMachine_GivesNothingMore()
    {
        using var deadline = Create(limit: 2);

        StandStill(2.2);

        Assert.True(deadline.HasTimedOut && !deadline.IsOwnFault);
    }

    [Fact]
    public void ProcessStandsStill_WithinTheLimit_ChangesNothing()
    {
        using var deadline = Create(limit: 2);

        StandStill(1.9);
        Pass(0.1);

        Assert.True(deadline.HasTimedOut && !deadline.IsOwnFault);
    }

    /// <summary>As a process runs that is held to a fifth of a processor: no timer is late by much, and little gets done.</summary>
    [Fact]
    public void ProcessIsStarved_GivesAMomentMoreOnce_AndIsAtFault()
    {
        using var pulse = new ProcessPulse(_time);
        using var deadline = CreateWith(pulse, limit: 2);

        Starve(cycles: 20);
        Assert.False(deadline.HasTimedOut);
        Starve(cycles: 4);
        Assert.False(deadline.HasTimedOut);
        Starve(cycles: 2);

        Assert.True(deadline.HasTimedOut && deadline.IsOwnFault);
    }

    [Fact]
    public void ProcessIsStarved_BetweenTokens_IsAtFaultEachTime()
    {
        using var pulse = new ProcessPulse(_time);
        using var deadline = CreateWith(pulse, limit: 2);
        Starve(cycles: 21);
        deadline.Restart(TimeSpan.FromSeconds(2));

        Starve(cycles: 20);

        Assert.True(deadline.HasTimedOut && deadline.IsOwnFault);
    }

    [Fact]
    public void ProcessWasStarved_BeforeTheLastToken_IsNotAtFault()
    {
        using var pulse = new ProcessPulse(_time);
        using var deadline = CreateWith(pulse, limit: 2);
        Starve(cycles: 19);
        deadline.Restart(TimeSpan.FromSeconds(2));

        Pass(2);

        Assert.True(deadline.HasTimedOut && !deadline.IsOwnFault);
    }

    [Fact]
    public void ProcessHasTwoThirdsOfTheTime_TheProviderIsAtFault()
    {
        using var pulse = new ProcessPulse(_time);
        using var deadline = CreateWith(pulse, limit: 2);
        for (var cycle = 0; cycle < 20; cycle++)
        {
            StandStill(0.035);
            Pass(0.065);
        }

        Assert.True(deadline.HasTimedOut && !deadline.IsOwnFault);
    }

    [Fact]
    public void Dispose_TimerFiresLate_DoesNothing()
    {
        var deadline = Create(limit: 3);
        deadline.Dispose();

        Pass(10);

        Assert.False(deadline.HasTimedOut);
    }
}
