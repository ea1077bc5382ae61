using System.Collections.Frozen;
using LlmGateway.Model;
using LlmGateway.Providers;
using LlmGateway.Routing;
using static LlmGateway.Tests.Routing.StrategyStage;

namespace LlmGateway.Tests.Routing;

public sealed class ContestPlannerTests
{
    private static readonly ProviderTarget P1 = Mock("p1");
    private static readonly ProviderTarget P2 = Mock("p2");
    private static readonly ProviderTarget D1 = Mock("d1");
    private static readonly ProviderTarget D2 = Mock("d2");
    private static readonly ProviderTarget R1 = Mock("r1");
    private static readonly ProviderTarget F1 = Mock("f1");
    private static readonly ProviderTarget Own = Mock("own");

    private readonly RoutePlanner _planner = new(new DialectSet([new MockDialect()]));

    [Fact]
    public void Plan_TwoPrimaries_CompeteAndTheFirstDuplicateEvaluates() =>
        Assert.Equal(new Contest(P1, P2, D1), Plan(Roles([P1, P2, Mock("p3")], [D1, D2], [R1])));

    [Fact]
    public void Plan_OnePrimary_CompetesWithTheFirstDuplicate() =>
        Assert.Equal(new Contest(P1, D1, D2), Plan(Roles([P1], [D1, D2], [R1])));

    [Fact]
    public void Plan_OneDuplicateThatCompetes_TheFirstReserveEvaluates() =>
        Assert.Equal(new Contest(P1, D1, R1), Plan(Roles([P1], [D1], [R1])));

    [Fact]
    public void Plan_NobodyElse_TheFirstPrimaryEvaluates() =>
        Assert.Equal(new Contest(P1, P2, P1), Plan(Roles([P1, P2], [], [])));

    [Fact]
    public void Plan_ReserveAlone_IsNoRival() =>
        Assert.Null(Plan(Roles([P1], [], [R1])));

    [Fact]
    public void Plan_UnusablePrimary_ItsPlaceIsTaken()
    {
        var keyless = Mock("p1") with { Provider = new ProviderConfig { Name = "p1", Type = "mock", NeedsApiKey = true } };

        Assert.Equal(new Contest(P2, D1, R1), Plan(Roles([keyless, P2], [D1], [R1])));
    }

    [Fact]
    public void Plan_DefaultProfileWithoutRole_UsesThePrimaries()
    {
        var request = WithoutRole(Roles([P1, P2], [D1], []), isDefault: true);

        Assert.Equal(new Contest(P1, P2, D1), Plan(request));
    }

    [Fact]
    public void Plan_AgentWithItsOwnModel_KeepsToItsFallbacks()
    {
        var request = WithoutRole(Roles([P1, P2], [D1], []), isDefault: false);

        Assert.Equal(new Contest(Own, F1, Own), Plan(request));
    }

    [Fact]
    public void Plan_NamedPrimary_IsTheFirstCandidate()
    {
        var request = WithoutRole(Roles([P1, P2], [D1], []), isDefault: true) with { ExplicitTarget = P2 };

        Assert.Equal(new Contest(P2, P1, D1), Plan(request));
    }

    [Fact]
    public void Plan_NamedStranger_CompetesWithTheFallbacksOnly()
    {
        var request = WithoutRole(Roles([P1, P2], [D1], []), isDefault: true) with { ExplicitTarget = Mock("named") };

        Assert.Equal(new Contest(Mock("named"), F1, Mock("named")), Plan(request));
    }

    [Fact]
    public void Plan_KeyHeldToModels_NoHeaderReachesOthers()
    {
        var request = WithoutRole(Roles([P1, P2], [D1], []), isDefault: true);
        var key = new ClientKey { Name = "narrow", Sha256 = [], Models = new AllowedNames([Own.Model, P1.Model]) };

        Assert.Null(Plan(request with { Key = key }));
    }

    [Fact]
    public void Plan_Development_RolesAreNotAskedUnlessNamed()
    {
        var request = WithoutRole(Roles([P1, P2], [D1], []), isDefault: true);
        var config = request.Config with { Environment = "development" };

        Assert.Equal(new Contest(Own, F1, Own), Plan(request with { Config = config }));
        Assert.Equal(new Contest(P1, P2, D1), Plan(request with { Config = config, ExplicitRole = "primary" }));
    }

    [Fact]
    public void Plan_TargetThatWaitsForAFailure_IsNoRival()
    {
        var mock = Mock("mock") with { OnlyAfter = new HashSet<FailureReason> { FailureReason.Connection } };

        Assert.Null(Plan(new StrategyStage().Request("best_of_two", [Own, mock])));
    }

    [Fact]
    public void Plan_ProfilesEvaluator_GoesFirst()
    {
        var request = Roles([P1, P2], [D1], []);
        var judge = Mock("judge");
        var config = request.Config with { ListedModels = new Dictionary<string, ProviderTarget> { ["judge-model"] = judge }.ToFrozenDictionary() };

        Assert.Equal(judge, Plan(request with { Config = config, Profile = request.Profile with { Evaluator = "judge-model" } })?.Evaluator);
    }

    [Theory]
    [InlineData(Operation.Completions)]
    [InlineData(Operation.Embeddings)]
    public void Plan_NoChat_NoContest(Operation operation) => Assert.Null(Plan(Roles([P1, P2], [D1], []) with { Operation = operation }));

    [Fact]
    public void Plan_WhatOneFormAloneCarries_NoContest() => Assert.Null(Plan(Roles([P1, P2], [D1], []) with { NativeOnly = "a document" }));

    private Contest? Plan(GatewayRequest request) => new ContestPlanner(_planner).Plan(request, _planner.Plan(request));

    private static GatewayRequest Roles(ProviderTarget[] primary, ProviderTarget[] duplicate, ProviderTarget[] reserve)
    {
        using var stage = new StrategyStage();
        return WithRoles(stage.Request("best_of_two", [Own, F1]), ("primary", primary), ("duplicate", duplicate), ("reserve", reserve));
    }

    private static GatewayRequest WithoutRole(GatewayRequest request, bool isDefault)
    {
        var profile = request.Profile with { Role = null };
        return request with { Profile = profile, Config = request.Config with { Default = isDefault ? profile : profile with { Target = P1 } } };
    }
}
