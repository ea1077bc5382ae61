using LlmGateway.Providers;

namespace LlmGateway.Tests.Providers;

public sealed class ToolCallStatesTests
{
    private readonly FakeTime _time = new();
    private readonly ToolCallStates _states;

    public ToolCallStatesTests() => _states = new ToolCallStates(_time);

    [Fact]
    public void Keep_SameTenantAndProvider_GivesItBack()
    {
        _states.Keep("crm", "anthropic", "call_1", "a"u8.ToArray());
        _states.Keep("crm", "anthropic", "call_1", "b"u8.ToArray());

        Assert.True(_states.TryGet("crm", "anthropic", "call_1", out var state));
        Assert.Equal("b"u8.ToArray(), state.ToArray());
        Assert.False(_states.TryGet("hr", "anthropic", "call_1", out _));
        Assert.False(_states.TryGet("crm", "gemini", "call_1", out _));
    }

    [Fact]
    public void Keep_AfterAnHour_IsForgotten()
    {
        _states.Keep("crm", "anthropic", "call_1", "a"u8.ToArray());

        _time.Advance(TimeSpan.FromHours(1));

        Assert.False(_states.TryGet("crm", "anthropic", "call_1", out _));
    }

    [Fact]
    public void Keep_TooManyOrTooLarge_StaysBounded()
    {
        for (var i = 0; i < ToolCallStates.Capacity + 100; i++)
        {
            _states.Keep("crm", "anthropic", $"call_{i}", "a"u8.ToArray());
        }

        Assert.Equal(ToolCallStates.Capacity, _states.Count);
        Assert.False(_states.TryGet("crm", "anthropic", "call_0", out _));
        for (var i = 0; i < 400; i++)
        {
            _states.Keep("crm", "anthropic", $"large_{i}", new byte[ToolCallStates.MaxStateBytes]);
        }

        Assert.InRange(_states.Count, 1, (int)(ToolCallStates.MaxTotalBytes / ToolCallStates.MaxStateBytes));
        _states.Keep("crm", "anthropic", "huge", new byte[ToolCallStates.MaxStateBytes + 1]);
        Assert.False(_states.TryGet("crm", "anthropic", "huge", out _));
    }
}
