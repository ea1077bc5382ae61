using LlmGateway.Access;
using LlmGateway.Api;
using LlmGateway.Configuration;
using LlmGateway.Model;
using LlmGateway.Profiles;
using LlmGateway.Resilience;
using LlmGateway.Routing;

namespace LlmGateway.Admin;

/// <summary><c>POST /admin/explain</c>: the route that a request would take, without asking any provider. It answers the errors that the request would get.</summary>
internal sealed class ExplainEndpoint(RoutePlanner planner, StrategySet strategies, TargetStates states, MintedKeys minted, HostSettings settings)
{
    public async Task HandleAsync(HttpContext context)
    {
        var scope = RequestScope.Of(context);
        var (body, bodyError) = await RequestBody.ReadJsonAsync(context.Request, settings.MaxBodyBytes, context.RequestAborted);
        if (bodyError is not null)
        {
            await ErrorWriter.WriteAsync(context, bodyError);
            return;
        }

        var (reply, error) = Explain(body, scope);
        if (reply is null)
        {
            await ErrorWriter.WriteAsync(context, error!);
            return;
        }

        await Results.Json(reply, ExplainJson.Default.ExplainReply).ExecuteAsync(context);
    }

    private (ExplainReply? Reply, GatewayError? Error) Explain(ReadOnlyMemory<byte> body, RequestScope scope)
    {
        var config = scope.Config;
        var (wanted, error) = ExplainRequest.Read(body);
        if (wanted is null)
        {
            return (null, error);
        }

        var key = wanted.Key is null ? ClientKey.Anonymous : config.ClientKeys.Values.Concat(minted.ByHash.Values).FirstOrDefault(known => known.Name == wanted.Key);
        if (key is null)
        {
            return (null, GatewayError.InvalidValue("key", "There is no client key of this name. Give a key's name, never the key."));
        }

        var route = ProfileResolver.Resolve(config, header: null, path: null, wanted.Model, body: wanted.Agent);
        if ((route.Error ?? RoutePermission.Check(key, route)) is { } refusal)
        {
            return (null, refusal);
        }

        var strategy = route.Profile!.Strategy ?? config.Strategy;
        var request = new GatewayRequest
        {
            Operation = Operation.ChatCompletions,
            Body = default,
            Scan = new ScannedRequest { MembersStart = 0, Model = wanted.Model, IsStreaming = wanted.IsStreaming, HasTools = wanted.HasTools },
            Config = config,
            Profile = route.Profile,
            ExplicitTarget = route.Target,
            ExplicitRole = route.Role,
            Key = key,
            Strategy = strategies.Contains(strategy) ? strategy : RoutingStrategies.Single,
            TotalTimeout = config.TotalTimeout,
            Tally = scope.Tally,
        };
        return (ExplainReply.From(request, strategies[request.Strategy].Arrange(request, WithHealth(planner.Plan(request))), wanted.Key), null);
    }

    /// <summary>The plan without the targets that would be left out if it were carried out now.</summary>
    private RoutePlan WithHealth(RoutePlan plan)
    {
        var skipped = new List<SkippedTarget>(plan.Skipped);
        var usable = new List<ProviderTarget>();
        foreach (var target in plan.Targets)
        {
            if (states.Of(target).WhyNot(CallCredentials.Of(target)) is { } refusal)
            {
                var why = $"{refusal.Why}; asked again in {Math.Ceiling(refusal.RetryAfter.TotalSeconds)} s";
                skipped.Add(new SkippedTarget(target, FailureReason.CircuitOpen, why, usable.Count));
            }
            else
            {
                usable.Add(target);
            }
        }

        return plan with { Targets = usable, Skipped = skipped };
    }
}
