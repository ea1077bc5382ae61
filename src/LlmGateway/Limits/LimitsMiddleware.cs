using LlmGateway.Api;
using LlmGateway.Model;
using LlmGateway.Telemetry;

namespace LlmGateway.Limits;

/// <summary>
/// Holds a key to its limits before anything of the body is read: requests and calls at once, and what is used up of tokens and budget.
/// Whatever endpoint the key is used at, it is one account.
/// </summary>
internal sealed class LimitsMiddleware(RequestDelegate next, RateLimiter limiter, Budgets budgets, GatewayMetrics metrics, TimeProvider time)
{
    public Task InvokeAsync(HttpContext context) =>
        EndpointTemplate.IsInference(context.GetEndpoint()) && RequestScope.Of(context) is { Key: { HasLimits: true } key } scope
            ? LimitAsync(context, scope, key)
            : next(context);

    private async Task LimitAsync(HttpContext context, RequestScope scope, ClientKey key)
    {
        var place = budgets.PlaceOf(key, scope.Time);
        var budget = MicroUsd.BudgetOf(key) ?? 0;
        var left = place is null ? new BudgetReading(BudgetVerdict.Fits, 0, 0) : await budgets.LookAsync(place, budget, context.RequestAborted);
        if (left.Verdict != BudgetVerdict.Fits)
        {
            await RefuseAsync(context, LimitKind.Budget, left.Verdict == BudgetVerdict.Unknown ? LimitErrors.NoStore : LimitErrors.Budget(key, place!.Period, left, 0, time.GetUtcNow()));
            return;
        }

        var (admission, reading) = await limiter.EnterAsync(key, place);
        LimitHeaders.Set(context.Response.Headers, reading);
        if (admission is null)
        {
            await RefuseAsync(context, reading.Refused, reading.Refused == LimitKind.Budget
                ? LimitErrors.Budget(key, place!.Period, reading.Budget, 0, time.GetUtcNow())
                : LimitErrors.Rate(reading));
            return;
        }

        context.Features.Set(admission);
        try
        {
            await next(context);
        }
        finally
        {
            limiter.Leave(admission, UsedTokens(scope.Tally));
        }
    }

    private Task RefuseAsync(HttpContext context, LimitKind limit, GatewayError error)
    {
        if (error.Status == 429)
        {
            metrics.RateLimited(LimitNames.Of(limit));
        }

        return ErrorWriter.WriteAsync(context, error);
    }

    private static long UsedTokens(RequestTally tally)
    {
        var used = 0L;
        for (var attempt = tally.LastAttempt; attempt is not null; attempt = attempt.Previous)
        {
            used += attempt is { HasEnded: true, Usage: { IsSane: true } usage } ? usage.Total : 0;
        }

        return used;
    }
}
