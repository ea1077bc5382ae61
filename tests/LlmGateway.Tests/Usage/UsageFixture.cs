using LlmGateway.Model;
using LlmGateway.Usage;

namespace LlmGateway.Tests.Usage;

/// <summary>Targets and settled requests for these tests.</summary>
internal static class UsageFixture
{
    public const string Secret = "sk-canary-0123456789";

    public static ProviderTarget Target(string provider, string model = "m", ModelPrice? price = null) => new()
    {
        Provider = new() { Name = provider, Type = "openai", ApiKey = Secret },
        Model = model,
        ApiKey = Secret,
        ModelConfig = price is null ? null : new() { Name = model, Price = price },
    };

    public static SettledRequest Settled(RequestTally tally, bool isStreaming = false, string? user = "jdoe", int status = 200) => new()
    {
        Tally = tally,
        Key = new() { Name = "crm", Sha256 = [] },
        Department = "sales",
        UserId = user,
        Agent = "writer",
        Strategy = "single",
        Endpoint = "/v1/chat/completions",
        Status = status,
        IsStreaming = isStreaming,
        Time = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero),
        Duration = TimeSpan.FromMilliseconds(1500),
    };

    public static RequestRecord Record(Guid? id = null, params FailureReason[] outcomes)
    {
        var time = new FakeTime();
        var tally = new RequestTally("r-1", id ?? Guid.CreateVersion7(), time.GetTimestamp());
        foreach (var outcome in outcomes.Length == 0 ? [FailureReason.None] : outcomes)
        {
            var attempt = tally.Begin(Target($"p{outcome}", price: new(1_000_000, 2_000_000, 500_000)), AttemptRole.Answer, time.GetTimestamp());
            time.Advance(TimeSpan.FromMilliseconds(20));
            attempt.Status = outcome == FailureReason.None ? 200 : 500;
            attempt.End(outcome, outcome == FailureReason.None ? new TokenUsage(100, 20, 40, 5) : null, time.GetTimestamp());
            tally.Answer = outcome == FailureReason.None ? attempt : null;
            tally.NoteFallback(outcome);
        }

        return RequestAccount.Close(Settled(tally), tally.LastAttempt, time);
    }
}
