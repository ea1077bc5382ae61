using LlmGateway.Model;
using LlmGateway.Telemetry;

namespace LlmGateway.Limits;

/// <summary>Counts the tokens that a request will use at most, once its body has been read; what it really used is put right at its end.</summary>
internal sealed class TokenLimit(RateLimiter limiter, GatewayMetrics metrics)
{
    /// <summary>Null: it may go on.</summary>
    public ValueTask<GatewayError?> CountAsync(HttpContext context, GatewayRequest request) =>
        request.Key.TokensPerMinute is { } limit && context.Features.Get<KeyAdmission>() is { } admission ? CountAsync(context, request, admission, limit) : new((GatewayError?)null);

    private async ValueTask<GatewayError?> CountAsync(HttpContext context, GatewayRequest request, KeyAdmission admission, long limit)
    {
        var estimate = CallEstimate.Of(request, request.ExplicitTarget ?? request.Profile.Target);

        // A generous max_tokens is no promise to use it: it may fill the minute, not close it for ever.
        var reading = await limiter.CountTokensAsync(admission, limit, Math.Min(estimate.Total, Math.Max(estimate.Input, limit)));
        LimitHeaders.SetTokens(context.Response.Headers, limit, reading);
        if (reading.Refused == LimitKind.None)
        {
            return null;
        }

        metrics.RateLimited(LimitNames.Of(reading.Refused));
        return LimitErrors.Rate(reading with { Limits = new KeyLimits(null, limit, null) });
    }
}
