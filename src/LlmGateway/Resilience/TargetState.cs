using LlmGateway.Providers;

namespace LlmGateway.Resilience;

/// <summary>What outlives requests and reloads about one target: how its calls have gone, and what it has been seen to refuse.</summary>
internal sealed class TargetState
{
    private int _habits;

    public ModelStatistics Statistics { get; } = new();

    public TargetHabits Habits => (TargetHabits)Volatile.Read(ref _habits);

    public void Learn(TargetHabits habits) => Interlocked.Or(ref _habits, (int)habits);
}
