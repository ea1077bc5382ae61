using System.Net;
using System.Text;
using System.Text.Json;
using LlmGateway.FunctionalTests.Infrastructure;

namespace LlmGateway.FunctionalTests;

/// <summary>Agents changed over the administration API: checked, written whole, in force when the answer comes.</summary>
public sealed class AgentAdminTests
{
    private const string AdminKey = "sk-admin-key-of-the-test";

    private static readonly (string Name, string Value) Key = ("Authorization", "Bearer sk-client");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_agent_is_in_force_when_the_answer_comes()
    {
        await using var provider = ScriptedProvider.OpenAi().AlwaysAnswers(_ => Script.Json(OpenAiReplies.Completion("Hi")));
        await using var gateway = await StartAsync(provider, """{ /* ours */ "agents": { "old": { "temperature": 0.5 }, } }""");

        var (made, _) = await SendAsync(gateway, HttpMethod.Put, "/admin/agents/new.one", """{"temperature":0.25,"system_prompt":"Grüße {{x}} <b>"}""");
        using var used = await gateway.SendAsync("/v1/chat/completions", """{"messages":[{"role":"user","content":"Hi"}]}""", Key, ("X-Agent-Profile", "new.one"));
        var (_, list) = await SendAsync(gateway, HttpMethod.Get, "/admin/agents");
        var (_, one) = await SendAsync(gateway, HttpMethod.Get, "/admin/agents/new.one");

        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.OK), (made, used.StatusCode));
        Assert.Equal(0.25, provider.Requests[0].Json().GetProperty("temperature").GetDouble());
        Assert.Equal(["old", "new.one"], list.GetProperty("data").EnumerateArray().Select(agent => agent.GetProperty("name").GetString()));
        Assert.Equal("Grüße {{x}} <b>", one.GetProperty("system_prompt").GetString());
        Assert.False(one.TryGetProperty("name", out _));
    }

    [Fact]
    public async Task An_agent_is_replaced_and_taken_out()
    {
        await using var provider = ScriptedProvider.OpenAi();
        await using var gateway = await StartAsync(provider, """{"agents":{"a":{"temperature":0.5,"top_p":0.5}}}""");

        var (replaced, _) = await SendAsync(gateway, HttpMethod.Put, "/admin/agents/a", """{"temperature":0.1}""");
        var (_, shown) = await SendAsync(gateway, HttpMethod.Get, "/admin/agents/a");
        var (gone, _) = await SendAsync(gateway, HttpMethod.Delete, "/admin/agents/a");
        var (again, error) = await SendAsync(gateway, HttpMethod.Delete, "/admin/agents/a");
        using var used = await gateway.SendAsync("/v1/chat/completions", """{"messages":[{"role":"user","content":"Hi"}]}""", Key, ("X-Agent-Profile", "a"));

        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.NoContent, HttpStatusCode.NotFound, HttpStatusCode.NotFound), (replaced, gone, again, used.StatusCode));
        Assert.False(shown.TryGetProperty("top_p", out _));
        Assert.Equal("agent_not_found", error.GetProperty("error").GetProperty("code").GetString());
    }

    [Theory]
    [InlineData("a", """{"temperatur":0.1}""", "temperature")]
    [InlineData("a", """{"provider":"nobody"}""", "nobody")]
    [InlineData("a", """{"temperature":9}""", "temperature")]
    [InlineData("b%20c", "{}", "b c")]
    [InlineData("a", "[]", "object")]
    [InlineData("a", """{"is_admin":true}""", "is_admin")]
    public async Task What_would_be_refused_is_not_written(string name, string body, string named)
    {
        await using var provider = ScriptedProvider.OpenAi();
        await using var gateway = await StartAsync(provider, """{"agents":{"a":{"temperature":0.5}}}""");
        var before = await File.ReadAllTextAsync(FilePath(gateway), Cancellation);

        var (status, error) = await SendAsync(gateway, HttpMethod.Put, $"/admin/agents/{name}", body);

        Assert.Equal(HttpStatusCode.BadRequest, status);
        Assert.Contains(named, error.GetProperty("error").GetProperty("message").GetString(), StringComparison.Ordinal);
        Assert.Equal(before, await File.ReadAllTextAsync(FilePath(gateway), Cancellation));
    }

    [Fact]
    public async Task Without_a_file_one_is_made()
    {
        await using var provider = ScriptedProvider.OpenAi();
        await using var gateway = await StartAsync(provider, agents: null);

        var (status, _) = await SendAsync(gateway, HttpMethod.Put, "/admin/agents/first", "{}");

        Assert.Equal(HttpStatusCode.OK, status);
        Assert.True(File.Exists(FilePath(gateway)));
    }

    [Fact]
    public async Task A_file_that_cannot_be_written_is_a_conflict()
    {
        await using var provider = ScriptedProvider.OpenAi();

        // The new file stands beside the old one under a longer name, which no file system takes: even the superuser cannot write it.
        var name = new string('a', 240);
        await using var gateway = new GatewayUnderTest().InProduction(provider).WithVariable("ADMIN_API_KEY", AdminKey).WithVariable("AGENT_LLM_CONFIG", "config/" + name);
        gateway.Folder.Rewrite(name, """{"agents":{"a":{}}}""");
        await gateway.StartAsync();
        var (status, error) = await SendAsync(gateway, HttpMethod.Put, "/admin/agents/b", "{}");

        Assert.Equal(HttpStatusCode.Conflict, status);
        Assert.Equal(("conflict_error", "config_read_only"), (error.GetProperty("error").GetProperty("type").GetString(), error.GetProperty("error").GetProperty("code").GetString()));
    }

    [Fact]
    public async Task Changes_at_once_lose_none()
    {
        await using var provider = ScriptedProvider.OpenAi();
        await using var gateway = await StartAsync(provider, """{"agents":{}}""");

        var changes = await Task.WhenAll(Enumerable.Range(0, 20).Select(i => SendAsync(gateway, HttpMethod.Put, $"/admin/agents/a{i}", "{}")));
        var (_, list) = await SendAsync(gateway, HttpMethod.Get, "/admin/agents");

        Assert.All(changes, change => Assert.Equal(HttpStatusCode.OK, change.Status));
        Assert.Equal(20, list.GetProperty("data").GetArrayLength());
    }

    [Fact]
    public async Task Changes_at_once_at_two_gateways_with_one_file_lose_none()
    {
        const int Each = 20;
        await using var provider = ScriptedProvider.OpenAi().AlwaysAnswers(_ => Script.Json(OpenAiReplies.Completion("Hi")));
        await using var first = await StartAsync(provider, """{"agents":{}}""");
        await using var second = await StartAsync(provider, first);

        var changes = await Task.WhenAll(Enumerable.Range(0, 2 * Each).Select(i => SendAsync(i % 2 == 0 ? first : second, HttpMethod.Put, $"/admin/agents/a{i}", "{}")));

        Assert.All(changes, change => Assert.Equal(HttpStatusCode.OK, change.Status));
        var names = Enumerable.Range(0, 2 * Each).Select(i => $"a{i}").Order().ToList();
        Assert.Equal(names, (await NamesAsync(first)).Order());
        Assert.Equal(names, (await NamesAsync(second)).Order());
        Assert.Equal([GatewayFolder.Agents], Directory.GetFiles(first.Folder.ConfigPath, "*agent_llm_config*").Select(Path.GetFileName).Where(name => !name!.EndsWith(".lock", StringComparison.Ordinal)));
        foreach (var gateway in new[] { first, second })
        {
            foreach (var name in names)
            {
                // The other gateway's changes are in force as soon as it has seen the file.
                await Eventually.AnswersAsync<bool>(
                    async () =>
                    {
                        using var used = await gateway.SendAsync("/v1/chat/completions", """{"messages":[{"role":"user","content":"Hi"}]}""", Key, ("X-Agent-Profile", name));
                        return used.StatusCode == HttpStatusCode.OK ? true : null;
                    },
                    $"agent {name} to be in force");
            }
        }
    }

    /// <summary>Of one agent the last writer's form stays, and it stays whole.</summary>
    [Fact]
    public async Task Changes_of_one_agent_at_two_gateways_leave_one_of_them_whole()
    {
        await using var provider = ScriptedProvider.OpenAi();
        await using var first = await StartAsync(provider, """{"agents":{"kept":{"top_p":0.5}}}""");
        await using var second = await StartAsync(provider, first);

        var changes = await Task.WhenAll(Enumerable.Range(0, 10).Select(i => SendAsync(i % 2 == 0 ? first : second, HttpMethod.Put, "/admin/agents/a", $$"""{"temperature":0.{{i}},"top_p":0.{{i}}}""")));

        Assert.All(changes, change => Assert.Equal(HttpStatusCode.OK, change.Status));
        var (_, one) = await SendAsync(first, HttpMethod.Get, "/admin/agents/a");
        Assert.Equal(one.GetProperty("temperature").GetRawText(), one.GetProperty("top_p").GetRawText());
        Assert.Equal(["kept", "a"], await NamesAsync(second));
    }

    /// <summary>Another gateway's turn is waited for; what was saved in it, by an editor too, is built on.</summary>
    [Fact]
    public async Task A_change_waits_its_turn_and_keeps_what_an_editor_saved_meanwhile()
    {
        await using var provider = ScriptedProvider.OpenAi();
        await using var gateway = await StartAsync(provider, """{"agents":{"old":{}}}""");
        var path = Path.Combine(gateway.Folder.ConfigPath, $".{GatewayFolder.Agents}.lock");

        Task<(HttpStatusCode Status, JsonElement Json)> change;
        await using (new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None))
        {
            change = SendAsync(gateway, HttpMethod.Put, "/admin/agents/put", "{}");
            await gateway.WaitForMetricsAsync(page => page.Sum("llm_gateway_requests_in_flight") + page.Sum("http_server_active_requests") > 1, "the change to be there");
            gateway.Folder.Rewrite(GatewayFolder.Agents, """{"agents":{"edited":{}}}""", RewriteKind.AtomicRename);
        }

        Assert.Equal(HttpStatusCode.OK, (await change).Status);
        Assert.Equal(["edited", "put"], await NamesAsync(gateway));
    }

    /// <summary>An editor that empties the file first and writes it afterwards is neither overwritten nor a reason to refuse.</summary>
    [Fact]
    public async Task A_half_saved_file_is_waited_for_and_never_written_over()
    {
        await using var provider = ScriptedProvider.OpenAi();
        await using var gateway = await StartAsync(provider, """{"agents":{"old":{}}}""");
        gateway.Folder.Rewrite(GatewayFolder.Agents, """{"agents":{"edi""");

        var change = SendAsync(gateway, HttpMethod.Put, "/admin/agents/put", "{}");
        await gateway.WaitForMetricsAsync(page => page.Sum("http_server_active_requests") > 1, "the change to be there");
        gateway.Folder.Rewrite(GatewayFolder.Agents, """{"agents":{"edited":{}}}""");

        Assert.Equal(HttpStatusCode.OK, (await change).Status);
        Assert.Equal(["edited", "put"], await NamesAsync(gateway));

        gateway.Folder.Rewrite(GatewayFolder.Agents, "{");
        var (refused, error) = await SendAsync(gateway, HttpMethod.Put, "/admin/agents/never", "{}");
        Assert.Equal((HttpStatusCode.Conflict, "config_read_only"), (refused, error.GetProperty("error").GetProperty("code").GetString()));
        Assert.Equal("{", await File.ReadAllTextAsync(FilePath(gateway), Cancellation));
    }

    /// <summary>Two gateways and an editor on one file: no change is refused, and nobody ever sees half a file.</summary>
    [Fact]
    public async Task With_an_editor_in_the_middle_the_file_is_whole_at_every_moment()
    {
        await using var provider = ScriptedProvider.OpenAi();
        await using var first = await StartAsync(provider, """{"agents":{}}""");
        await using var second = await StartAsync(provider, first);

        var changes = Task.WhenAll(Enumerable.Range(0, 20).Select(i => SendAsync(i % 2 == 0 ? first : second, HttpMethod.Put, $"/admin/agents/a{i}", "{}")));
        var saves = 0;
        while (!changes.IsCompleted || saves < 3)
        {
            if (saves++ < 3)
            {
                first.Folder.Rewrite(GatewayFolder.Agents, $$$$"""{"agents":{"edited{{{{saves}}}}":{}}}""", RewriteKind.AtomicRename);
            }

            using var seen = JsonDocument.Parse(await File.ReadAllTextAsync(FilePath(first), Cancellation));
            Assert.Equal(JsonValueKind.Object, seen.RootElement.GetProperty("agents").ValueKind);
        }

        Assert.All(await changes, change => Assert.Equal(HttpStatusCode.OK, change.Status));
        first.Folder.Rewrite(GatewayFolder.Agents, """{"agents":{"last":{}}}""", RewriteKind.AtomicRename);
        await SendAsync(first, HttpMethod.Put, "/admin/agents/one", "{}");
        await SendAsync(second, HttpMethod.Put, "/admin/agents/two", "{}");
        Assert.Equal(["last", "one", "two"], await NamesAsync(second));
    }

    private static async Task<IReadOnlyList<string?>> NamesAsync(GatewayUnderTest gateway)
    {
        var (_, list) = await SendAsync(gateway, HttpMethod.Get, "/admin/agents");
        return [.. list.GetProperty("data").EnumerateArray().Select(agent => agent.GetProperty("name").GetString())];
    }

    /// <summary>Another gateway on the same agents file.</summary>
    private static Task<GatewayUnderTest> StartAsync(ScriptedProvider provider, GatewayUnderTest other) =>
        new GatewayUnderTest().InProduction(provider).WithVariable("ADMIN_API_KEY", AdminKey).WithVariable("AGENT_LLM_CONFIG", FilePath(other)).StartAsync();

    private static string FilePath(GatewayUnderTest gateway) => Path.Combine(gateway.Folder.Path, "config", GatewayFolder.Agents);

    private static Task<GatewayUnderTest> StartAsync(ScriptedProvider provider, string? agents)
    {
        var gateway = new GatewayUnderTest().InProduction(provider).WithVariable("ADMIN_API_KEY", AdminKey);
        return (agents is null ? gateway : gateway.WithAgents(agents)).StartAsync();
    }

    private static async Task<(HttpStatusCode Status, JsonElement Json)> SendAsync(GatewayUnderTest gateway, HttpMethod method, string path, string? body = null)
    {
        using var request = new HttpRequestMessage(method, path);
        request.Headers.TryAddWithoutValidation("Authorization", "Bearer " + AdminKey);
        request.Content = body is null ? null : new StringContent(body, Encoding.UTF8, "application/json");
        using var response = await gateway.Client.SendAsync(request, Cancellation);
        var text = await response.Content.ReadAsStringAsync(Cancellation);
        return (response.StatusCode, text.Length == 0 ? default : JsonDocument.Parse(text).RootElement);
    }
}
