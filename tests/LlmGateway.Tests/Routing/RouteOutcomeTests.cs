using LlmGateway.Model;
using LlmGateway.Providers;
using LlmGateway.Resilience;
using LlmGateway.Routing;

namespace LlmGateway.Tests.Routing;

public sealed class RouteOutcomeTests
{
    private static GatewayError Decide(FailedAttempt[] failed, params SkippedTarget[] skipped) => RouteOutcome.Decide(TestRequests.Chat(), failed, skipped);

    private static FailedAttempt Failed(FailureReason reason, int status = 0, double? retryAfter = null, ProviderError? error = null) =>
        new(TestRequests.Target(), new AttemptFailure(reason, status) { Error = error, RetryAfter = retryAfter is { } wait ? TimeSpan.FromSeconds(wait) : null });

    private static SkippedTarget Skipped(FailureReason reason) => new(TestRequests.Target(), reason, "why");

    [Theory]
    [InlineData(FailureReason.RateLimit, FailureReason.RateLimit, 429, "upstream_rate_limited")]
    [InlineData(FailureReason.Timeout, FailureReason.Timeout, 504, "upstream_timeout")]
    [InlineData(FailureReason.ModelUnavailable, FailureReason.ModelUnavailable, 404, "model_not_found")]
    [InlineData(FailureReason.ServerError, FailureReason.Timeout, 502, "all_providers_failed")]
    [InlineData(FailureReason.Auth, FailureReason.Auth, 502, "all_providers_failed")]
    [InlineData(FailureReason.ServerError, FailureReason.ContextLength, 400, "context_length_exceeded")]
    [InlineData(FailureReason.ContentFilter, FailureReason.Connection, 400, "content_filter")]
    public void Decide_AttemptsMade_ByTheirReasons(FailureReason first, FailureReason second, int status, string code)
    {
        var error = Decide([Failed(first), Failed(second)]);

        Assert.Equal((status, code), (error.Status, error.Code));
        Assert.Equal(status != 429, error.StopRetrying);
    }

    [Theory]
    [InlineData(FailureReason.Unsupported, FailureReason.Unsupported, 400, "unsupported_by_any_target")]
    [InlineData(FailureReason.MissingApiKey, FailureReason.MissingApiKey, 502, "all_providers_failed")]
    [InlineData(FailureReason.CircuitOpen, FailureReason.MissingApiKey, 503, "no_healthy_upstream")]
    public void Decide_NothingTried_ByWhatWasSkipped(FailureReason first, FailureReason second, int status, string code)
    {
        var error = Decide([], Skipped(first), Skipped(second));

        Assert.Equal((status, code), (error.Status, error.Code));
        Assert.Equal(status == 503, error.RetryAfter is not null);
    }

    [Fact]
    public void Decide_AllUnsupported_NamesTheMember() =>
        Assert.Equal("n", Decide([], Skipped(FailureReason.Unsupported), Skipped(FailureReason.Unsupported) with { Param = "n" }).Param);

    [Fact]
    public void Decide_AllRateLimited_TakesTheSmallestRetryAfter() =>
        Assert.Equal(TimeSpan.FromSeconds(3), Decide([Failed(FailureReason.RateLimit, 429, 9), Failed(FailureReason.RateLimit, 429, 3)]).RetryAfter);

    [Fact]
    public void Decide_SeveralTried_ListsEach() =>
        Assert.Equal(
            "All providers failed: openai/gpt-test: server_error (status 500); openai/gpt-test: connection; openai/gpt-test: missing_api_key (why).",
            Decide([Failed(FailureReason.ServerError, 500), Failed(FailureReason.Connection)], Skipped(FailureReason.MissingApiKey)).Message);

    [Fact]
    public void Decide_ClientsFault_PassesTheMessageOnWithoutSecrets()
    {
        var refusal = new ProviderError(422, "temperature is off; your key sk-provider-key at http://provider.test/v1 says so") { Param = "temperature", Code = "bad_value", Type = "invalid_request_error" };

        var error = Decide([Failed(FailureReason.InvalidRequest, 422, error: refusal)]);

        Assert.Equal((422, "bad_value", "temperature"), (error.Status, error.Code, error.Param));
        Assert.DoesNotContain("sk-provider-key", error.Message);
        Assert.DoesNotContain("provider.test", error.Message);
    }
}
