using System.Collections.Frozen;
using System.Diagnostics;
using System.Globalization;
using LlmGateway.Model;
using LlmGateway.Providers;
using LlmGateway.Resilience;
using LlmGateway.Routing;
using LlmGateway.Telemetry;
using Microsoft.Extensions.DependencyInjection;

namespace LlmGateway.Tests.Routing;

/// <summary>The provider side from routing on, with mock providers and a clock that the test drives.</summary>
internal sealed class StrategyStage : IDisposable
{
    private readonly ServiceProvider _services;
    private readonly HttpMessageInvoker _routing;

    public StrategyStage(double random = 1)
    {
        _services = new ServiceCollection()
            .AddLogging()
            .AddSingleton<TimeProvider>(Time)
            .AddSingleton(new GatewayMetrics())
            .AddProviders()
            .AddResilience()
            .AddRoutePlanning()
            .AddSingleton<Random>(new FixedRandom(random))
            .BuildServiceProvider();
        _routing = new HttpMessageInvoker(_services.GetRequiredService<RoutingHandler>());
    }

    public FakeTime Time { get; } = new();

    public TargetPaces Paces => _services.GetRequiredService<TargetPaces>();

    /// <summary>A mock that answers after so many seconds, or not at all.</summary>
    public static ProviderTarget Mock(string name, double seconds = 0, MockFailure fail = MockFailure.None, string? reply = null, int? status = null) => new()
    {
        Provider = new ProviderConfig
        {
            Name = name,
            Type = "mock",
            Behavior = new MockBehavior { Latency = TimeSpan.FromSeconds(seconds), Fail = fail, Reply = reply, Status = status },
        },
        Model = name + "-model",
    };

    public GatewayRequest Request(string strategy, ProviderTarget[] targets, string body = TestRequests.Hello, double? hedgeAfter = null, int maxRetries = 3)
    {
        var profile = new AgentProfile
        {
            Name = "default",
            IsDefault = true,
            Target = targets[0],
            Fallbacks = targets[1..],
            HedgeAfter = hedgeAfter is { } seconds ? TimeSpan.FromSeconds(seconds) : null,
        };
        return TestRequests.Chat(body, profile: profile, config: TestRequests.Config(profile) with { MaxRetries = maxRetries }) with
        {
            Strategy = strategy,
            Tally = new RequestTally("test", Guid.CreateVersion7(), Time.GetTimestamp()),
        };
    }

    /// <summary>The same in a configuration with model roles, and a default profile that starts at the first of them.</summary>
    public static GatewayRequest WithRoles(GatewayRequest request, params (string Role, ProviderTarget[] Models)[] roles)
    {
        var own = roles.ToFrozenDictionary(role => role.Role, role => (IReadOnlyList<ProviderTarget>)role.Models);
        var chains = roles.Select((role, index) => (role.Role, Chain: (IReadOnlyList<ProviderTarget>)[.. roles[index..].SelectMany(later => later.Models)]));
        var profile = request.Profile with { Role = roles[0].Role };
        return request with
        {
            Profile = profile,
            Config = request.Config with { Default = profile, Roles = own, RoleChains = chains.ToFrozenDictionary(chain => chain.Role, chain => chain.Chain) },
        };
    }

    public async Task<HttpResponseMessage> RunAsync(GatewayRequest request, params double[] steps)
    {
        using var message = new HttpRequestMessage(HttpMethod.Post, "http://provider.invalid/");
        message.Options.Set(GatewayRequest.OptionsKey, request);
        var run = _routing.SendAsync(message, TestContext.Current.CancellationToken);
        foreach (var seconds in steps)
        {
            await StepAsync(seconds);
        }

        return await run;
    }

    /// <summary>Waits until timers are due in exactly so many seconds, and moves the clock there.</summary>
    public async Task StepAsync(double seconds, int timers = 1)
    {
        var (step, start) = (TimeSpan.FromSeconds(seconds), Stopwatch.GetTimestamp());
        while (Time.TimersDueIn(step) < timers)
        {
            Assert.True(Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(30), string.Create(CultureInfo.InvariantCulture, $"nobody waits for {seconds} s"));
            await Task.Yield();
        }

        Time.Advance(step);
    }

    /// <summary>Runs a request, reads its answer to the end, and names the provider that gave it.</summary>
    /// <param name="request">The request.</param>
    /// <param name="steps">What it will wait for, in seconds: latencies and limits, one after the other.</param>
    public async Task<string> AnsweredByAsync(GatewayRequest request, params double[] steps)
    {
        using var response = await RunAsync(request, steps);
        _ = await response.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken);
        return request.Tally.Answer?.Target.Provider.Name ?? "nobody";
    }

    public void Dispose()
    {
        _routing.Dispose();
        _services.Dispose();
    }

    private sealed class FixedRandom(double value) : Random
    {
        public override double NextDouble() => value;
    }
}
