namespace LlmGateway.Tests.Configuration;

public sealed class ConfigWatcherTests
{
    private const string One = """{ "agents": { "one": {} } }""";
    private const string Two = """{ "agents": { "two": {} } }""";
    private const string Bad = """{ "agents": { "two": {} """;

    [Fact]
    public void Poll_SavedInPlace_IsJudgedWhenTwoPollsAgree()
    {
        using var work = new ConfigWorkspace();
        var (watcher, source, reloads) = work.Agents(One).Watch();

        work.Agents(Two);
        watcher.Poll();
        Assert.Equal(1, source.Current.Revision);
        watcher.Poll();

        Assert.Equal(2, source.Current.Revision);
        Assert.Equal(["two"], source.Current.Agents.Keys);
        Assert.Equal(("agent_llm_config", "accepted"), (Assert.Single(reloads).File, reloads[0].Outcome));
    }

    [Fact]
    public void Poll_HalfWritten_IsNotJudged()
    {
        using var work = new ConfigWorkspace();
        var (watcher, source, reloads) = work.Agents(One).Watch();

        work.Agents("");
        watcher.Poll();
        work.Agents(Bad);
        watcher.Poll();
        work.Agents(Two);
        watcher.Poll();
        watcher.Poll();

        Assert.Equal(["two"], source.Current.Agents.Keys);
        Assert.True(Assert.Single(reloads).IsAccepted);
    }

    [Fact]
    public void Poll_BadThenGood_KeepsTheLastGoodOneAndTellsWhy()
    {
        using var work = new ConfigWorkspace();
        var (watcher, source, reloads) = work.Agents(One).Watch();

        work.Agents(Bad);
        Poll(watcher, 4);

        Assert.Equal(["one"], source.Current.Agents.Keys);
        Assert.Equal(1, source.Current.Revision);
        Assert.True(source.IsDegraded);
        Assert.Contains("agent_llm_config.json:1:", source.LastProblem);

        work.Agents(Two);
        Poll(watcher, 2);

        Assert.False(source.IsDegraded);
        Assert.Equal(["two"], source.Current.Agents.Keys);
        Assert.Equal([false, true], reloads.Select(reload => reload.IsAccepted));
    }

    [Fact]
    public void Poll_AtomicRename_IsSeen()
    {
        using var work = new ConfigWorkspace();
        var (watcher, source, _) = work.Agents(One).Watch();

        work.Write("config/new", Two);
        File.Move(work.PathOf("config/new"), work.PathOf("config/agent_llm_config.json"), overwrite: true);
        Poll(watcher, 2);

        Assert.Equal(["two"], source.Current.Agents.Keys);
    }

    [Fact]
    public void Poll_KubernetesLinkSwap_IsSeen()
    {
        using var work = new ConfigWorkspace();
        Directory.CreateDirectory(work.PathOf("config/..1"));
        Directory.CreateDirectory(work.PathOf("config/..2"));
        work.Write("config/..1/agent_llm_config.json", One).Write("config/..2/agent_llm_config.json", Two);
        Directory.CreateSymbolicLink(work.PathOf("config/..data"), "..1");
        File.CreateSymbolicLink(work.PathOf("config/agent_llm_config.json"), "..data/agent_llm_config.json");
        var (watcher, source, _) = work.Watch();

        Directory.CreateSymbolicLink(work.PathOf("config/..data_tmp"), "..2");
        Directory.Delete(work.PathOf("config/..data"));
        watcher.Poll();
        Directory.Move(work.PathOf("config/..data_tmp"), work.PathOf("config/..data"));
        Poll(watcher, 2);

        Assert.Equal(["two"], source.Current.Agents.Keys);
        Assert.Equal(2, source.Current.Revision);
    }

    [Fact]
    public void Poll_DefaultFileGone_BuiltInDefaultsAfterThreePolls()
    {
        using var work = new ConfigWorkspace();
        var (watcher, source, _) = work.Agents(One).Watch();

        File.Delete(work.PathOf("config/agent_llm_config.json"));
        Poll(watcher, 2);
        Assert.Single(source.Current.Agents);
        watcher.Poll();
        Assert.Empty(source.Current.Agents);

        work.Agents(Two);
        Poll(watcher, 2);
        Assert.Equal(["two"], source.Current.Agents.Keys);
    }

    [Fact]
    public void Poll_NamedFileGone_IsRefused()
    {
        using var work = new ConfigWorkspace(("AGENT_LLM_CONFIG", "config/agent_llm_config.json"));
        var (watcher, source, _) = work.Agents(One).Watch();

        File.Delete(work.PathOf("config/agent_llm_config.json"));
        Poll(watcher, 4);

        Assert.Single(source.Current.Agents);
        Assert.True(source.IsDegraded);
    }

    [Fact]
    public void Poll_OneFileBadAnotherGood_TheGoodOneGoesIntoForce()
    {
        using var work = new ConfigWorkspace();
        var hash = new string('a', 64);
        var (watcher, source, reloads) = work.Agents(One).Keys($$"""{ "keys": [ { "name": "crm", "sha256": "{{hash}}" } ] }""").Watch();

        work.Agents(Bad);
        Poll(watcher, 2);
        work.Keys("""{ "keys": [] }""");
        Poll(watcher, 2);

        Assert.Empty(source.Current.ClientKeys);
        Assert.Equal(["one"], source.Current.Agents.Keys);
        Assert.True(source.IsDegraded);
        Assert.Equal(["agent_llm_config rejected", "gateway_keys accepted"], reloads.Select(reload => $"{reload.File} {reload.Outcome}"));
    }

    [Fact]
    public void Poll_FilesDependOnEachOther_JudgedAgainWhenTheOtherChanges()
    {
        using var work = new ConfigWorkspace();
        var (watcher, source, _) = work.Agents(One).Watch();

        work.Agents("""{ "agents": { "two": { "provider": "local" } } }""");
        Poll(watcher, 2);
        Assert.True(source.IsDegraded);

        work.Settings("providers: { local: { base_url: 'http://localhost:1', models: [m] } }");
        Poll(watcher, 2);

        Assert.False(source.IsDegraded);
        Assert.Equal(["two"], source.Current.Agents.Keys);
    }

    [Fact]
    public void Poll_LastKeyRemovedInProduction_IsRefused()
    {
        using var work = new ConfigWorkspace(("ENVIRONMENT", "production"), ("INTERNAL_LLM_BASE_URL", "https://llm.corp"), ("INTERNAL_LLM_MODEL", "m"));
        var (watcher, source, _) = work.Keys($$"""{ "keys": [ { "name": "crm", "sha256": "{{new string('a', 64)}}" } ] }""").Watch();

        work.Keys("""{ "keys": [] }""");
        Poll(watcher, 2);

        Assert.Single(source.Current.ClientKeys);
        Assert.True(source.IsDegraded);
    }

    [Fact]
    public void Reload_WrittenByTheGateway_IsInForceAtOnce()
    {
        using var work = new ConfigWorkspace();
        var (watcher, source, reloads) = work.Agents(One).Watch();

        work.Agents(Two);

        Assert.Empty(watcher.Reload());
        Assert.Equal(["two"], source.Current.Agents.Keys);
        Poll(watcher, 2);
        Assert.Single(reloads);
    }

    [Fact]
    public async Task Execute_ClockMoves_PollsEveryHalfSecond()
    {
        using var work = new ConfigWorkspace();
        var time = new FakeTime();
        var (watcher, source, reloads) = work.Agents(One).Watch(time);
        using var polled = new SemaphoreSlim(0);
        watcher.Polled = () => polled.Release();
        var cancellation = TestContext.Current.CancellationToken;
        await watcher.StartAsync(cancellation);
        await time.TimerCreated.WaitAsync(cancellation);

        work.Agents(Two);
        for (var tick = 0; tick < 2; tick++)
        {
            time.Advance(TimeSpan.FromMilliseconds(500));
            await polled.WaitAsync(cancellation);
        }

        await watcher.StopAsync(cancellation);
        Assert.Equal(["two"], source.Current.Agents.Keys);
        Assert.Single(reloads);
    }

    private static void Poll(LlmGateway.Configuration.ConfigWatcher watcher, int times)
    {
        for (var time = 0; time < times; time++)
        {
            watcher.Poll();
        }
    }
}
