using System.Text;
using LlmGateway.Model;

namespace LlmGateway.Routing;

/// <summary>What the client is told when nothing answered: one error that says what was tried and what to do.</summary>
internal static class RouteOutcome
{
    public static HttpResponseMessage Respond(GatewayRequest request, IReadOnlyList<FailedAttempt> failed, IReadOnlyList<SkippedTarget> skipped) =>
        GatewayErrorContent.Respond(Decide(request, failed, skipped));

    public static GatewayError Decide(GatewayRequest request, IReadOnlyList<FailedAttempt> failed, IReadOnlyList<SkippedTarget> skipped) =>
        failed.Count == 0 ? NothingTried(skipped) : NothingAnswered(request, failed, skipped);

    /// <summary>The request's time was used up before any provider could be asked.</summary>
    public static GatewayError OutOfTime { get; } = new(
        504, ErrorTypes.Timeout, ErrorCodes.UpstreamTimeout, "The request's time was over before a provider could be asked. Send it again with a longer time-out.", StopRetrying: true);

    private static GatewayError NothingTried(IReadOnlyList<SkippedTarget> skipped)
    {
        var list = Describe([], skipped);
        if (skipped.Count > 0 && skipped.All(target => target.Reason == FailureReason.Unsupported))
        {
            var param = skipped.Select(target => target.Param).FirstOrDefault(name => name is not null);
            return GatewayError.Invalid(ErrorCodes.UnsupportedByAnyTarget, $"No configured target can serve this request: {list}.", param);
        }

        if (skipped.Count > 0 && skipped.All(target => target.Reason is FailureReason.MissingApiKey or FailureReason.Unsupported))
        {
            return new GatewayError(502, ErrorTypes.Api, ErrorCodes.AllProvidersFailed, $"No provider could be asked: {list}.", StopRetrying: true);
        }

        var wait = skipped.Min(target => target.RetryAfter) ?? TimeSpan.FromSeconds(5);
        return new GatewayError(503, ErrorTypes.Overloaded, ErrorCodes.NoHealthyUpstream, $"No healthy provider is left: {list}.", RetryAfter: wait);
    }

    private static GatewayError NothingAnswered(GatewayRequest request, IReadOnlyList<FailedAttempt> failed, IReadOnlyList<SkippedTarget> skipped)
    {
        var refusal = failed.FirstOrDefault(attempt =>
            attempt.Failure.Reason is FailureReason.InvalidRequest or FailureReason.ContextLength or FailureReason.ContentFilter);
        if (refusal is not null)
        {
            return Refused(request, refusal);
        }

        var list = Describe(failed, skipped);
        if (failed.All(attempt => attempt.Failure.Reason == FailureReason.RateLimit))
        {
            var wait = failed.Min(attempt => attempt.Failure.RetryAfter ?? TimeSpan.FromSeconds(1));
            return new GatewayError(429, ErrorTypes.RateLimit, ErrorCodes.UpstreamRateLimited, $"Every provider is limiting its rate: {list}. Try again later.", RetryAfter: wait);
        }

        if (failed.All(attempt => attempt.Failure.Reason == FailureReason.Timeout))
        {
            return new GatewayError(504, ErrorTypes.Timeout, ErrorCodes.UpstreamTimeout, $"No provider answered in time: {list}.", StopRetrying: true);
        }

        if (failed.All(attempt => attempt.Failure.Reason == FailureReason.ModelUnavailable))
        {
            return new GatewayError(404, ErrorTypes.InvalidRequest, ErrorCodes.ModelNotFound, $"No provider has the model: {list}.", "model", StopRetrying: true);
        }

        return new GatewayError(502, ErrorTypes.Api, ErrorCodes.AllProvidersFailed, $"All providers failed: {list}.", StopRetrying: true);
    }

    /// <summary>The client's own fault, or a prompt that the provider would not take: in the provider's words, without its secrets.</summary>
    private static GatewayError Refused(GatewayRequest request, FailedAttempt refusal)
    {
        var (reason, error) = (refusal.Failure.Reason, refusal.Failure.Error);
        if (refusal.Failure.ClientError is { } own)
        {
            return own;
        }

        var code = reason switch
        {
            FailureReason.ContextLength => ErrorCodes.ContextLengthExceeded,
            FailureReason.ContentFilter => ErrorCodes.ContentFilter,
            _ => Word(error?.Code) ?? ErrorCodes.InvalidRequest,
        };
        var status = reason == FailureReason.InvalidRequest && error?.Status is 413 or 422 ? error!.Status : 400;
        var message = error is { Message.Length: > 0 } ? error.Message : "The provider refused the request without saying why.";
        return new GatewayError(
            status,
            Word(error?.Type) ?? ErrorTypes.InvalidRequest,
            code,
            Redact(message),
            Word(error?.Param),
            StopRetrying: true);

        string Redact(string text) => SecretRedaction.Redact(text, refusal.Target, request.Identity.Ticket);

        string? Word(string? text) => Clean(text) is { } clean ? Redact(clean) : null;
    }

    private static string? Clean(string? text) => string.IsNullOrEmpty(text) || text.Length > 128 || text.Any(char.IsControl) ? null : text;

    private static string Describe(IReadOnlyList<FailedAttempt> failed, IReadOnlyList<SkippedTarget> skipped)
    {
        var text = new StringBuilder();
        foreach (var attempt in failed)
        {
            text.Append(text.Length == 0 ? "" : "; ").Append(attempt.Target).Append(": ").Append(attempt.Failure.Reason.ToName());
            if (attempt.Failure.Status is not (0 or 200))
            {
                text.Append(" (status ").Append(attempt.Failure.Status).Append(')');
            }
        }

        foreach (var target in skipped)
        {
            text.Append(text.Length == 0 ? "" : "; ").Append(target.Target).Append(": ").Append(target.Reason.ToName()).Append(" (").Append(target.Explanation).Append(')');
        }

        return text.Length == 0 ? "none is configured" : text.ToString();
    }
}
