using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using LlmGateway.FunctionalTests.Infrastructure;
using LlmGateway.Resilience;
using Microsoft.Extensions.DependencyInjection;

namespace LlmGateway.FunctionalTests;

/// <summary>A provider's name: it moves to another machine, it has several, or nobody knows it (E28, E01).</summary>
public sealed class DnsTests
{
    private const string Name = "llm.test";

    private static readonly IPAddress Here = IPAddress.Loopback;
    private static readonly IPAddress There = IPAddress.Parse("127.0.0.2");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task When_a_machine_goes_the_next_call_is_at_the_names_new_one(bool isStreaming)
    {
        var old = ScriptedProvider.OpenAi().Answers(ProductionStage.Answer(isStreaming, "old"));
        await using var moved = ScriptedProvider.OpenAi(new IPEndPoint(There, old.Port)).Answers(ProductionStage.Answer(isStreaming, "new"));
        var names = new Names { [Name] = [Here] };
        await using var stage = await StageAsync(names, old.Port);
        (await stage.AskAsync(isStreaming)).AssertAnswered("old");

        names[Name] = [There];
        await old.DisposeAsync();
        var answer = await stage.AskAsync(isStreaming);

        AssertFirstTry(answer, "new");
        Assert.Equal((1, 1), (old.ConnectionCount, moved.ConnectionCount));
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(true, true)]
    public async Task A_machine_that_goes_under_a_call_costs_a_silent_resend_to_the_new_one(bool isStreaming, bool withReset)
    {
        var names = new Names { [Name] = [Here] };
        var end = new Script().Add(_ =>
        {
            names[Name] = [There];
            return Task.CompletedTask;
        });
        await using var old = ScriptedProvider.OpenAi().Answers(ProductionStage.Answer(isStreaming, "old"), withReset ? end.Reset() : end.Fin());
        await using var moved = ScriptedProvider.OpenAi(new IPEndPoint(There, old.Port)).Answers(ProductionStage.Answer(isStreaming, "new"));
        await using var stage = await StageAsync(names, old.Port);
        (await stage.AskAsync(isStreaming)).AssertAnswered("old");

        var answer = await stage.AskAsync(isStreaming);

        AssertFirstTry(answer, "new");
        Assert.Equal((1, 2), (old.ConnectionCount, old.Requests.Count));
        Assert.Equal(old.Requests[1].Body, Assert.Single(moved.Requests).Body);
    }

    [Fact]
    public async Task Of_several_addresses_the_next_is_tried_when_one_refuses()
    {
        await using var there = ScriptedProvider.OpenAi(new IPEndPoint(There, 0)).Answers(ProductionStage.Answer(isStreaming: false));
        using var nobody = Refusing(Here, there.Port);
        var names = new Names { [Name] = [Here, There] };
        await using var stage = await StageAsync(names, there.Port);

        AssertFirstTry(await stage.AskAsync(isStreaming: false), "Well met");

        Assert.Equal(1, there.ConnectionCount);
    }

    /// <summary>The old machine goes on answering: only a connection's lifetime, a minute in service and less here, lets the new one in.</summary>
    [Fact]
    public async Task When_the_old_machine_lives_on_calls_move_with_the_lifetime_of_connections()
    {
        var lifetime = TimeSpan.FromSeconds(1);
        await using var old = ScriptedProvider.OpenAi().AlwaysAnswers(_ => ProductionStage.Answer(isStreaming: false, "old"));
        await using var moved = ScriptedProvider.OpenAi(new IPEndPoint(There, old.Port)).AlwaysAnswers(_ => ProductionStage.Answer(isStreaming: false, "new"));
        var names = new Names { [Name] = [Here] };
        await using var stage = await StageAsync(names, old.Port, handler => handler.PooledConnectionLifetime = lifetime);
        (await stage.AskAsync(isStreaming: false)).AssertAnswered("old");

        names[Name] = [There];
        var asked = 0;
        await Eventually.AnswersAsync<bool>(
            async () =>
            {
                asked++;
                var answer = await stage.AskAsync(isStreaming: false);
                AssertFirstTry(answer, moved.Requests.Count == 0 ? "old" : "new");
                return moved.Requests.Count > 0 ? true : null;
            },
            "a call to reach the new machine");

        AssertFirstTry(await stage.AskAsync(isStreaming: false), "new");
        Assert.Equal((asked, 2), (old.Requests.Count, moved.Requests.Count));
    }

    [Theory]
    [InlineData(false, "unknown")]
    [InlineData(true, "unknown")]
    [InlineData(false, "without addresses")]
    [InlineData(false, "silent")]
    [InlineData(true, "silent")]
    public async Task A_name_that_leads_nowhere_falls_back(bool isStreaming, string how)
    {
        var names = new Names();
        if (how != "unknown")
        {
            names[Name] = how == "silent" ? null : [];
        }

        await using var stage = await StageAsync(names, port: 1, handler => handler.ConnectTimeout = TimeSpan.FromMilliseconds(300));
        stage.Second.Answers(ProductionStage.Answer(isStreaming));

        var answer = await stage.AskAsync(isStreaming);

        answer.AssertAnswered("Well met");
        Assert.Equal(("2", "connection", "backup"), (answer.Header("x-llm-attempts"), answer.Header("x-llm-fallback-reason"), answer.Header("x-llm-provider")));
        Assert.Equal([Name], names.Asked);
    }

    [Fact]
    public async Task Passed_on_paths_follow_the_name_too()
    {
        await using var there = ScriptedProvider.OpenAi(new IPEndPoint(There, 0)).On("POST /v1/batches/b/cancel", Script.Json("""{"id":"b"}"""));
        using var nobody = Refusing(Here, there.Port);
        await using var stage = await StageAsync(new Names { [Name] = [Here, There] }, there.Port);
        using var request = stage.Gateway.Post("/v1/batches/b/cancel", "{}", ("Authorization", "Bearer " + stage.ClientKey));

        using var response = await stage.Gateway.Client.SendAsync(request, Cancellation);

        Assert.Equal((HttpStatusCode.OK, """{"id":"b"}"""), (response.StatusCode, await response.Content.ReadAsStringAsync(Cancellation)));
    }

    private static Task<ProductionStage> StageAsync(Names names, int port, Action<SocketsHttpHandler>? more = null) => ProductionStage.StartAsync(configure: stage => stage.Gateway
        .WithVariable("INTERNAL_LLM_BASE_URL", $"http://{Name}:{port}/v1")
        .WithServices(services => services.AddSingleton<Func<HttpMessageHandler>>(() =>
        {
            var handler = ProviderConnections.CreateHandler(names.ResolveAsync);
            more?.Invoke(handler);
            return handler;
        })));

    private static void AssertFirstTry(ChatAnswer answer, string text)
    {
        answer.AssertAnswered(text);
        Assert.Equal(("1", "internal", null), (answer.Header("x-llm-attempts"), answer.Header("x-llm-provider"), answer.Header("x-llm-fallback-reason")));
    }

    /// <summary>Keeps a port to itself without listening.</summary>
    private static Socket Refusing(IPAddress address, int port)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(address, port));
        return socket;
    }

    /// <summary>A name server of the test's own: a name that it does not have is unknown, one that has null is never answered.</summary>
    private sealed class Names
    {
        private readonly ConcurrentDictionary<string, IPAddress[]?> _names = new(StringComparer.Ordinal);
        private readonly ConcurrentQueue<string> _asked = new();

        public IReadOnlyList<string> Asked => [.. _asked];

        public IPAddress[]? this[string name]
        {
            set => _names[name] = value;
        }

        public async Task<IPAddress[]> ResolveAsync(string name, CancellationToken cancellation)
        {
            _asked.Enqueue(name);
            if (!_names.TryGetValue(name, out var addresses))
            {
                throw new SocketException((int)SocketError.HostNotFound);
            }

            if (addresses is null)
            {
                await new TaskCompletionSource().Task.WaitAsync(cancellation);
            }

            return addresses!;
        }
    }
}
