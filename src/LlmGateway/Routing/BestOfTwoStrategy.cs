using LlmGateway.Model;
using LlmGateway.Resilience;

namespace LlmGateway.Routing;

/// <summary>
/// Two candidates answer at once and an evaluator chooses. One failing makes the other the answer; both failing leaves the rest of the
/// route; an evaluator that fails, is late or says nothing plain makes it the first well-formed answer.
/// </summary>
internal sealed class BestOfTwoStrategy(ContestPlanner contests, TargetCaller targets, SingleStrategy single, TimeProvider time) : IRoutingStrategy
{
    /// <summary>An evaluation takes at most this, and at most a quarter of what is left of the request's time.</summary>
    private static readonly TimeSpan LongestEvaluation = TimeSpan.FromSeconds(30);

    /// <summary>None of the three is waited for when it is busy or cooling down, and none is asked twice: there is another way on.</summary>
    private static readonly CallTurn OneOfSeveral = new(HasNext: true, RetriesLeft: 0);

    public string Name => RoutingStrategies.BestOfTwo;

    public RoutePlan Arrange(GatewayRequest request, RoutePlan plan) => plan with { Contest = contests.Plan(request, plan) };

    public Task<HttpResponseMessage> RunAsync(GatewayRequest request, RoutePlan plan, CancellationToken cancellationToken) =>
        plan.Contest is { } contest ? CompeteAsync(request, plan, contest, cancellationToken) : single.RunAsync(request, plan, cancellationToken);

    private async Task<HttpResponseMessage> CompeteAsync(GatewayRequest request, RoutePlan plan, Contest contest, CancellationToken cancellationToken)
    {
        // Both answers, and what comes after them, are compared and kept in one form.
        var common = request.NativeForm is null ? request : request with { NeedsTranslation = true };
        var walk = new RouteWalk(common, Without(plan, contest), time);
        var waitedFrom = time.GetTimestamp();
        var candidates = await Task.WhenAll(
            AnswerAsync(common, contest.First, cancellationToken),
            AnswerAsync(common, contest.Second, cancellationToken));
        request.Tally.ProviderWait += time.GetElapsedTime(waitedFrom);

        foreach (var failed in candidates.Where(candidate => candidate.Failure is not null))
        {
            walk.Note(failed.Target, failed.Failure!);
        }

        Candidate[] answered = [.. candidates.Where(candidate => candidate.Failure is null)];
        if (answered.Length == 0)
        {
            return await single.RunAsync(walk, cancellationToken);
        }

        var winner = answered.All(candidate => candidate.IsWellFormed) && answered is [var first, var second]
            ? await EvaluateAsync(request, contest.Evaluator, request.TimeLeft(time), first, second, cancellationToken) ?? first
            : answered.FirstOrDefault(candidate => candidate.IsWellFormed) ?? answered[0];
        request.Tally.Answer = winner.Attempt;
        request.Tally.HeldUntil = time.GetTimestamp();
        return winner.ToResponse();
    }

    private async Task<Candidate> AnswerAsync(GatewayRequest request, ProviderTarget target, CancellationToken cancellationToken)
    {
        var result = await targets.RunAsync(request, target, AttemptRole.Candidate, OneOfSeveral, cancellationToken);
        return await Candidate.CollectAsync(request, target, result, cancellationToken);
    }

    /// <summary>The better of two answers; null where nobody can tell.</summary>
    private async Task<Candidate?> EvaluateAsync(
        GatewayRequest request, ProviderTarget? evaluator, TimeSpan timeLeft, Candidate first, Candidate second, CancellationToken cancellationToken)
    {
        if (evaluator is null)
        {
            return null;
        }

        var waitedFrom = time.GetTimestamp();
        var limit = TimeSpan.FromTicks(Math.Min(timeLeft.Ticks / 4, LongestEvaluation.Ticks));
        var question = EvaluatorRequest.Create(request, first.Text!.ToString(), second.Text!.ToString(), time.GetElapsedTime(request.Tally.Started) + limit);
        var result = await targets.RunAsync(question, EvaluatorRequest.Sober(evaluator), AttemptRole.Evaluator, OneOfSeveral, cancellationToken);
        var verdict = await Candidate.CollectAsync(question, evaluator, result, cancellationToken);
        request.Tally.ProviderWait += time.GetElapsedTime(waitedFrom);
        return EvaluatorVerdict.Read(verdict.Text?.Content ?? "") switch
        {
            0 => first,
            1 => second,
            _ => null,
        };
    }

    private static RoutePlan Without(RoutePlan plan, Contest contest) => plan with
    {
        Targets = [.. plan.Targets.Where(target => !IsSame(target, contest.First) && !IsSame(target, contest.Second))],
    };

    private static bool IsSame(ProviderTarget one, ProviderTarget other) => one.Provider.Name == other.Provider.Name && one.Model == other.Model;
}
