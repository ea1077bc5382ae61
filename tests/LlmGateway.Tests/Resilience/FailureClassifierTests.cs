using LlmGateway.Model;
using LlmGateway.Providers;
using LlmGateway.Resilience;

namespace LlmGateway.Tests.Resilience;

public sealed class FailureClassifierTests
{
    [Theory]
    [InlineData(400, null, "bad", FailureReason.InvalidRequest)]
    [InlineData(400, "context_length_exceeded", "", FailureReason.ContextLength)]
    [InlineData(400, null, "This model's maximum context length is 4096 tokens", FailureReason.ContextLength)]
    [InlineData(400, "content_filter", "", FailureReason.ContentFilter)]
    [InlineData(400, "model_not_found", "", FailureReason.ModelUnavailable)]
    [InlineData(401, null, "", FailureReason.Auth)]
    [InlineData(402, null, "", FailureReason.Auth)]
    [InlineData(403, null, "", FailureReason.Auth)]
    [InlineData(404, null, "", FailureReason.ModelUnavailable)]
    [InlineData(405, null, "", FailureReason.InvalidResponse)]
    [InlineData(408, null, "", FailureReason.Timeout)]
    [InlineData(409, null, "", FailureReason.ServerError)]
    [InlineData(413, null, "", FailureReason.InvalidRequest)]
    [InlineData(422, null, "", FailureReason.InvalidRequest)]
    [InlineData(429, null, "", FailureReason.RateLimit)]
    [InlineData(429, "insufficient_quota", "", FailureReason.RateLimit)]
    [InlineData(500, null, "", FailureReason.ServerError)]
    [InlineData(529, null, "", FailureReason.ServerError)]
    [InlineData(200, null, "error in a 200", FailureReason.ServerError)]
    [InlineData(301, null, "", FailureReason.InvalidResponse)]
    [InlineData(999, null, "", FailureReason.InvalidResponse)]
    public void Classify_StatusAndCode_TellTheReason(int status, string? code, string message, FailureReason expected) =>
        Assert.Equal(expected, FailureClassifier.Classify(new ProviderError(status, message) { Code = code }));

    [Fact]
    public void Classify_DialectKnowsBetter_Wins() =>
        Assert.Equal(FailureReason.Auth, FailureClassifier.Classify(new ProviderError(400, "") { Reason = FailureReason.Auth }));
}
