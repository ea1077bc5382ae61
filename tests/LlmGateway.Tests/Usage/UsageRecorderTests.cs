using LlmGateway.Database;
using LlmGateway.Model;
using LlmGateway.Telemetry;
using LlmGateway.Tests.Database;
using LlmGateway.Usage;

namespace LlmGateway.Tests.Usage;

public sealed class UsageRecorderTests : IDisposable
{
    private readonly FakeTime _time = new();
    private readonly GatewayMetrics _metrics = new();
    private readonly LedgerFile _file = new();
    private readonly DatabaseHealth _health = TestDatabase.Health();
    private readonly JournalStage _stage;

    public UsageRecorderTests() => _stage = new(System.IO.Path.GetDirectoryName(_file.Path)!);

    public void Dispose()
    {
        _stage.Dispose();
        _file.Dispose();
    }

    [Fact]
    public void Settle_FallbackThenStream_CountsEachOnce()
    {
        var tally = new RequestTally("r-1", Guid.CreateVersion7(), _time.GetTimestamp());
        tally.Begin(UsageFixture.Target("a"), AttemptRole.Answer, _time.GetTimestamp()).End(FailureReason.Timeout, null, _time.GetTimestamp());
        tally.Begin(UsageFixture.Target("a"), AttemptRole.Answer, _time.GetTimestamp()).End(FailureReason.ServerError, null, _time.GetTimestamp());
        var answer = tally.Begin(UsageFixture.Target("b", price: new(1_000_000, 1_000_000, 0)), AttemptRole.Answer, _time.GetTimestamp());
        _time.Advance(TimeSpan.FromSeconds(2));
        answer.FirstToken = _time.GetTimestamp();
        _time.Advance(TimeSpan.FromSeconds(1));
        answer.End(FailureReason.None, new(10, 11), _time.GetTimestamp());
        tally.Answer = answer;

        Recorder().Settle(UsageFixture.Settled(tally, isStreaming: true));

        var text = Scrape();
        Assert.Contains("llm_gateway_attempts_total{provider=\"a\",model=\"m\",outcome=\"timeout\"} 1\n", text, StringComparison.Ordinal);
        Assert.Contains("llm_gateway_attempts_total{provider=\"b\",model=\"m\",outcome=\"success\"} 1\n", text, StringComparison.Ordinal);
        Assert.Contains("llm_gateway_fallbacks_total{agent=\"writer\",from_provider=\"a\",to_provider=\"b\",reason=\"server_error\"} 1\n", text, StringComparison.Ordinal);
        Assert.DoesNotContain("to_provider=\"a\"", text, StringComparison.Ordinal);
        Assert.Contains("llm_gateway_tokens_total{agent=\"writer\",provider=\"b\",model=\"m\",type=\"output\"} 11\n", text, StringComparison.Ordinal);
        Assert.Contains("llm_gateway_cost_usd_total{agent=\"writer\",provider=\"b\",model=\"m\"} 2.1E-05\n", text, StringComparison.Ordinal);
        Assert.Contains("llm_gateway_time_to_first_token_seconds_sum{agent=\"writer\",provider=\"b\",model=\"m\"} 2\n", text, StringComparison.Ordinal);
        Assert.Contains("llm_gateway_time_per_output_token_seconds_sum{provider=\"b\",model=\"m\"} 0.1\n", text, StringComparison.Ordinal);
        Assert.Contains("llm_gateway_department_tokens_total{department=\"sales\",type=\"input\"} 10\n", text, StringComparison.Ordinal);
        Assert.DoesNotContain(UsageFixture.Secret, text, StringComparison.Ordinal);
        Assert.DoesNotContain("jdoe", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Settle_DatabaseDown_CountsSpooled()
    {
        Recorder().Settle(UsageFixture.Settled(new("r", Guid.CreateVersion7(), _time.GetTimestamp())));
        _health.MarkUp();
        Recorder().Settle(UsageFixture.Settled(new("r", Guid.CreateVersion7(), _time.GetTimestamp())));

        Assert.Contains("llm_gateway_usage_records_total{result=\"spooled\"} 1\n", Scrape(), StringComparison.Ordinal);
    }

    private UsageRecorder Recorder() => new(_stage.Journal, TestDatabase.Sqlite(_file.Path, health: _health), _metrics, _time);

    private string Scrape() => Metrics.Of(_metrics);
}
