using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using LlmGateway.FunctionalTests.Infrastructure;
using Microsoft.Extensions.DependencyInjection;

namespace LlmGateway.FunctionalTests;

/// <summary>The process from its first line to its exit code, as an operator meets it.</summary>
public sealed class StartTests
{
    private const int BadConfiguration = 78;

    /// <summary>Until when a start that cannot be has to be over.</summary>
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(5);

    private static readonly string[] AnyPort = ["--urls", "http://127.0.0.1:0"];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Production_without_its_settings_ends_with_one_message_that_lists_all_of_them()
    {
        using var folder = new GatewayFolder();
        await using var process = GatewayProcess.Start(folder, [], ("ENVIRONMENT", "Production"), ("LLM_TIMEOUT", "soon"));

        Assert.Equal(BadConfiguration, await process.WaitForExitAsync());

        Assert.All(["GATEWAY_API_KEYS", "GATEWAY_AUTH=none", "INTERNAL_LLM_BASE_URL", "INTERNAL_LLM_MODEL", "LLM_TIMEOUT"], name => Assert.Contains(name, process.Errors));
        Assert.Single(process.Errors.Split('\n'), line => line.StartsWith("The gateway cannot start", StringComparison.Ordinal));
        AssertNoStackTrace(process);
    }

    [Fact]
    public async Task A_bad_agents_file_ends_the_start_with_file_and_line()
    {
        using var folder = new GatewayFolder();
        folder.Rewrite(GatewayFolder.Agents, "{\n  \"agents\": {\n    \"writer\": { \"temprature\": 1 }\n  }\n}");
        await using var process = GatewayProcess.Start(folder, []);

        Assert.Equal(BadConfiguration, await process.WaitForExitAsync());

        Assert.Contains("config/agent_llm_config.json:3", process.Errors);
        Assert.Contains("temperature", process.Errors);
        AssertNoStackTrace(process);
    }

    [Theory]
    [InlineData("http://0.0.0.0:0")]
    [InlineData("http://*:0")]
    [InlineData("http://localhost:0;http://[::]:0")]
    public async Task Listening_for_other_machines_without_keys_ends_with_the_ways_to_fix_it(string urls)
    {
        using var folder = new GatewayFolder();
        await using var process = GatewayProcess.Start(folder, ["--urls", urls]);

        Assert.Equal(BadConfiguration, await process.WaitForExitAsync());

        Assert.All(["GATEWAY_API_KEYS=name:key", "gateway_keys.json", "GATEWAY_AUTH=none", "http://localhost:8080"], way => Assert.Contains(way, process.Errors));
    }

    [Fact]
    public async Task Production_with_a_file_that_does_not_parse_is_told_of_that_alone()
    {
        using var folder = new GatewayFolder();
        folder.Rewrite(GatewayFolder.Agents, "{\n  \"default\": { \"provider\": \"mock\", \"model_name\": \"mock\" \n");
        await using var process = GatewayProcess.Start(folder, [], ("ENVIRONMENT", "production"), ("GATEWAY_AUTH", "none"));

        Assert.Equal(BadConfiguration, await process.WaitForExitAsync());

        Assert.Contains("config/agent_llm_config.json:3", process.Errors);
        Assert.DoesNotContain("INTERNAL_LLM_BASE_URL", process.Errors);
    }

    /// <summary>A machine without a battery: requests are served and recorded, with the time that it has.</summary>
    [Fact]
    public async Task A_clock_that_has_never_been_set_is_no_reason_not_to_serve()
    {
        await using var provider = ScriptedProvider.OpenAi().AlwaysAnswers(_ => Script.Json(OpenAiReplies.Completion("ok")));
        await using var gateway = await new GatewayUnderTest().InProduction(provider).WithServices(services => services.AddSingleton<TimeProvider>(new UnsetClock())).StartAsync();

        using var response = await gateway.SendAsync(ProductionStage.Path, ProductionStage.Body(isStreaming: false), ("Authorization", "Bearer sk-client"));

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        var record = Assert.Single(await gateway.Ledger.WaitForRequestsAsync(1));
        Assert.InRange((long)record["time_us"]!, 0, 3_600_000_000);
    }

    [Fact]
    public async Task The_address_may_stand_in_the_file_of_variables()
    {
        using var folder = new GatewayFolder();
        await File.WriteAllTextAsync(Path.Combine(folder.Path, ".env"), "ASPNETCORE_URLS=http://0.0.0.0:0\n", Cancellation);
        await using var process = GatewayProcess.Start(folder, []);

        // Only an address beyond this machine is refused without keys.
        Assert.Equal(BadConfiguration, await process.WaitForExitAsync());
        Assert.Contains("GATEWAY_API_KEYS=name:key", process.Errors);
    }

    /// <summary>The host used to log the failed start with its stack trace before the sentence.</summary>
    [Fact]
    public async Task A_port_in_use_is_told_in_a_sentence()
    {
        using var folder = new GatewayFolder();
        using var taken = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        taken.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        taken.Listen();
        var url = $"http://127.0.0.1:{((IPEndPoint)taken.LocalEndPoint!).Port}";
        await using var process = GatewayProcess.Start(folder, ["--urls", url]);

        Assert.Equal(1, await process.WaitForExitAsync());

        Assert.Contains(url, process.Errors);
        Assert.Contains("already in use", process.Errors);
        Assert.Contains("--urls", process.Errors);
        AssertNoStackTrace(process);
    }

    /// <summary>These used to end the process with an unhandled exception.</summary>
    [Theory]
    [InlineData("nonsense", BadConfiguration)]
    [InlineData("http://", BadConfiguration)]
    [InlineData("https://localhost:0", BadConfiguration)]
    [InlineData("http://localhost:8080/base", BadConfiguration)]
    [InlineData("http://192.0.2.1:8080", 1)]
    public async Task An_address_that_cannot_be_is_told_in_a_sentence(string url, int exitCode)
    {
        using var folder = new GatewayFolder();
        await using var process = GatewayProcess.Start(folder, ["--urls", url], ("GATEWAY_AUTH", "none"));

        Assert.Equal(exitCode, await process.WaitForExitAsync());

        Assert.Contains("--urls", process.Errors);
        AssertNoStackTrace(process);
    }

    [Fact]
    public async Task A_missing_file_that_a_variable_names_is_a_start_error()
    {
        using var folder = new GatewayFolder();
        await using var process = GatewayProcess.Start(folder, [], ("LLM_SETTINGS", "elsewhere/settings.yaml"));

        Assert.Equal(BadConfiguration, await process.WaitForExitAsync());

        Assert.Contains("elsewhere/settings.yaml", process.Errors);
        Assert.Contains("LLM_SETTINGS", process.Errors);
    }

    [Fact]
    public async Task A_missing_default_file_is_one_log_line_each_and_an_empty_directory_is_enough()
    {
        using var folder = new GatewayFolder();
        Directory.Delete(folder.ConfigPath);
        await using var process = GatewayProcess.Start(folder, AnyPort, ("OLLAMA_BASE_URL", GatewayUnderTest.NoProvider));
        await process.WaitForStartAsync();

        Assert.All(
            [GatewayFolder.Agents, GatewayFolder.Settings, GatewayFolder.Keys],
            file => Assert.Single(process.Output, line => line.Contains(file, StringComparison.Ordinal)));
        using var response = await process.Client.GetAsync(new Uri("/health/ready", UriKind.Relative), Cancellation);
        Assert.Equal("""{"status":"ready","problems":[]}""", await response.Content.ReadAsStringAsync(Cancellation));
    }

    [Fact]
    public async Task An_empty_directory_answers_a_first_question()
    {
        using var folder = new GatewayFolder();
        Directory.Delete(folder.ConfigPath);
        await using var process = GatewayProcess.Start(folder, AnyPort, ("OLLAMA_BASE_URL", GatewayUnderTest.NoProvider));
        await process.WaitForStartAsync();

        using var question = new StringContent("""{"messages":[{"role":"user","content":"Anybody there?"}]}""", System.Text.Encoding.UTF8, "application/json");
        using var response = await process.Client.PostAsync(new Uri("/v1/chat/completions", UriKind.Relative), question, Cancellation);

        var json = await response.Content.ReadAsStringAsync(Cancellation);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        OpenAiSchema.AssertValid(OpenAiSchema.Completion, json);
        Assert.Contains("Mock response to: Anybody there?", json);
    }

    [Fact]
    public async Task Localhost_means_both_loopbacks()
    {
        using var folder = new GatewayFolder();
        var port = GatewayProcess.FreePort();
        await using var process = GatewayProcess.Start(folder, ["--urls", $"http://localhost:{port}"]);
        await process.WaitForStartAsync();

        Assert.All(["127.0.0.1", "[::1]", "localhost"], host => Assert.Equal(HttpStatusCode.OK, Get(process.Client, $"http://{host}:{port}/health/live")));
    }

    /// <summary>It used to die while its own assemblies were loaded, with an exception that named one of them.</summary>
    [Theory]
    [InlineData(64)]
    [InlineData(200)]
    public async Task Too_few_open_files_are_told_in_a_sentence(int limit)
    {
        using var folder = new GatewayFolder();
        var started = Stopwatch.GetTimestamp();
        await using var process = StartUnder(folder, "prlimit", $"--nofile={limit}");

        Assert.Equal(1, await process.WaitForExitAsync());

        Assert.Contains($"open {limit} files", process.Errors);
        Assert.Contains("ulimit -n", process.Errors);
        Assert.InRange(Stopwatch.GetElapsedTime(started), TimeSpan.Zero, StartLimit);
        AssertNoStackTrace(process);
    }

    /// <summary>Few, and enough: what is refused as too little is too little.</summary>
    [Fact]
    public async Task The_fewest_open_files_that_are_taken_are_enough()
    {
        using var folder = new GatewayFolder();
        await using var process = StartUnder(folder, "prlimit", "--nofile=320");
        await process.WaitForStartAsync();

        await AssertServesAsync(process);
    }

    [Theory]
    [InlineData("without HOME")]
    [InlineData("without a temporary folder")]
    public async Task What_it_does_not_need_may_be_missing(string what)
    {
        using var folder = new GatewayFolder();
        await using var process = what == "without HOME"
            ? GatewayProcess.Start(GatewayProcess.Command(folder, AnyPort), ["PATH", "DOTNET_ROOT"], ("OLLAMA_BASE_URL", GatewayUnderTest.NoProvider))
            : GatewayProcess.Start(folder, AnyPort, ("TMPDIR", Path.Combine(folder.Path, "nowhere")), ("OLLAMA_BASE_URL", GatewayUnderTest.NoProvider));
        await process.WaitForStartAsync();

        await AssertServesAsync(process);
        Assert.Equal(0, await process.TerminateAsync());
        AssertNoStackTrace(process);
    }

    [Fact]
    public async Task A_termination_signal_ends_it_with_success()
    {
        using var folder = new GatewayFolder();
        await using var process = GatewayProcess.Start(folder, AnyPort);
        await process.WaitForStartAsync();

        Assert.Equal(0, await process.TerminateAsync());

        AssertNoStackTrace(process);
    }

    [Fact]
    public async Task A_reachable_development_container_makes_a_key_once_and_keeps_it()
    {
        using var folder = new GatewayFolder();
        (string, string)[] container = [("DOTNET_RUNNING_IN_CONTAINER", "true"), ("OLLAMA_BASE_URL", GatewayUnderTest.NoProvider)];
        var path = Path.Combine(folder.Path, "data", "gateway.key");

        string key;
        await using (var first = GatewayProcess.Start(folder, ["--urls", "http://0.0.0.0:0"], container))
        {
            await first.WaitForStartAsync();
            key = (await File.ReadAllTextAsync(path, Cancellation)).Trim();
            Assert.True(OperatingSystem.IsWindows() || File.GetUnixFileMode(path) == (UnixFileMode.UserRead | UnixFileMode.UserWrite));
            Assert.Equal(0, await first.TerminateAsync());
            Assert.Equal(2, first.AllText.Split(key).Length);
        }

        await using var second = GatewayProcess.Start(folder, ["--urls", "http://0.0.0.0:0"], container);
        var address = await second.WaitForStartAsync();
        var models = new Uri($"http://127.0.0.1:{address.Port}/v1/chat/completions");
        using var refused = await second.Client.PostAsync(models, null, Cancellation);
        using var request = new HttpRequestMessage(HttpMethod.Post, models) { Headers = { { "Authorization", "Bearer " + key } } };
        using var accepted = await second.Client.SendAsync(request, Cancellation);

        Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);
        Assert.NotEqual(HttpStatusCode.Unauthorized, accepted.StatusCode);
        Assert.Equal(key, (await File.ReadAllTextAsync(path, Cancellation)).Trim());
        Assert.DoesNotContain(key, second.AllText);
    }

    [Fact]
    public async Task Variables_go_before_the_env_file_and_the_env_file_before_defaults()
    {
        using var folder = new GatewayFolder();
        await File.WriteAllTextAsync(Path.Combine(folder.Path, ".env"), "OLLAMA_MODEL=from-env-file\nENVIRONMENT=development\n", Cancellation);

        await using var fromFile = GatewayProcess.Start(folder, AnyPort);
        await fromFile.WaitForStartAsync();
        await using var fromVariable = GatewayProcess.Start(folder, AnyPort, ("OLLAMA_MODEL", "from-variable"));
        await fromVariable.WaitForStartAsync();

        Assert.Equal("ollama/from-env-file", Started(fromFile, "target"));
        Assert.Equal("ollama/from-variable", Started(fromVariable, "target"));
    }

    [Fact]
    public async Task Values_of_the_env_file_stay_out_of_the_process_environment()
    {
        await using var provider = ScriptedProvider.OpenAi();
        await using var gateway = new GatewayUnderTest().InProduction(provider).WithoutVariable("INTERNAL_LLM_MODEL");
        await File.WriteAllTextAsync(
            Path.Combine(gateway.Folder.Path, ".env"), "INTERNAL_LLM_MODEL=model-of-the-file\nLLMGATEWAY_TEST_ONLY=1\nINTERNAL_LLM_BASE_URL=http://127.0.0.1:1\n", Cancellation);
        provider.AlwaysAnswers(_ => Script.Json(OpenAiReplies.Completion("hi")));

        await gateway.StartAsync();
        using var response = await gateway.SendAsync("/v1/chat/completions", """{"messages":[{"role":"user","content":"hi"}]}""", ("Authorization", "Bearer sk-client"));

        Assert.Equal("model-of-the-file", provider.Requests.Single().Json().GetProperty("model").GetString());
        Assert.Null(Environment.GetEnvironmentVariable("LLMGATEWAY_TEST_ONLY"));
        Assert.Null(Environment.GetEnvironmentVariable("INTERNAL_LLM_MODEL"));
    }

    [Theory]
    [InlineData("Development", HttpStatusCode.BadRequest)]
    [InlineData("DEVELOPMENT", HttpStatusCode.BadRequest)]
    [InlineData("Production", HttpStatusCode.Unauthorized)]
    [InlineData("staging", HttpStatusCode.Unauthorized)]
    public async Task Environment_names_match_without_case(string environment, HttpStatusCode answer)
    {
        await using var provider = ScriptedProvider.OpenAi();
        await using var gateway = new GatewayUnderTest().InProduction(provider).WithEnvironment(environment);
        if (environment.Equals("development", StringComparison.OrdinalIgnoreCase))
        {
            gateway.WithoutVariable("GATEWAY_API_KEYS");
        }

        await gateway.StartAsync();
        using var response = await gateway.SendAsync("/v1/chat/completions", "{}");

        Assert.Equal(answer, response.StatusCode);
    }

    /// <summary>In development the framework used to put its own error page, stack trace included, around everything.</summary>
    [Theory]
    [InlineData("development")]
    [InlineData("Development")]
    public async Task No_error_page_shows_a_stack_trace(string environment)
    {
        var clock = new BrokenClock();
        await using var gateway = await new GatewayUnderTest().WithEnvironment(environment).AllowsUnhandledExceptions()
            .WithServices(services => Microsoft.Extensions.DependencyInjection.ServiceCollectionServiceExtensions.AddSingleton<TimeProvider>(services, clock))
            .StartAsync();
        clock.IsBroken = true;

        using var response = await gateway.SendAsync("/v1/chat/completions", "{}");

        var text = await response.Content.ReadAsStringAsync(Cancellation);
        Assert.Equal(HttpStatusCode.InternalServerError, response.StatusCode);
        Assert.True(clock.Throws > 0);
        Assert.DoesNotContain("   at ", text);
        Assert.DoesNotContain("clock", text);
    }

    /// <summary>The gateway started by a program that takes something away from it first.</summary>
    private static GatewayProcess StartUnder(GatewayFolder folder, string program, params string[] arguments)
    {
        var gateway = GatewayProcess.Command(folder, AnyPort);
        var start = new ProcessStartInfo(program, [.. arguments, gateway.FileName, .. gateway.ArgumentList]) { WorkingDirectory = folder.Path };
        return GatewayProcess.Start(start, ["PATH", "HOME", "DOTNET_ROOT"], ("OLLAMA_BASE_URL", GatewayUnderTest.NoProvider));
    }

    private static async Task AssertServesAsync(GatewayProcess process)
    {
        using var question = new StringContent("""{"messages":[{"role":"user","content":"Anybody there?"}]}""", System.Text.Encoding.UTF8, "application/json");
        using var response = await process.Client.PostAsync(new Uri("/v1/chat/completions", UriKind.Relative), question, Cancellation);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    private static HttpStatusCode Get(HttpClient client, string url)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, url);
        using var response = client.Send(request, Cancellation);
        return response.StatusCode;
    }

    private static string? Started(GatewayProcess process, string property)
    {
        using var line = JsonDocument.Parse(process.Output.Single(line => line.Contains("Gateway started", StringComparison.Ordinal)));
        return line.RootElement.GetProperty(property).GetString();
    }

    private static void AssertNoStackTrace(GatewayProcess process)
    {
        Assert.DoesNotContain("   at ", process.AllText);
        Assert.DoesNotContain("Exception", process.AllText);
    }

    private sealed class BrokenClock : TimeProvider
    {
        private int _throws;

        public bool IsBroken { get; set; }

        public int Throws => _throws;

        public override DateTimeOffset GetUtcNow()
        {
            if (IsBroken)
            {
                Interlocked.Increment(ref _throws);
                throw new InvalidOperationException("The clock is broken.");
            }

            return base.GetUtcNow();
        }
    }

    private sealed class UnsetClock : TimeProvider
    {
        private readonly TimeSpan _ahead = System.GetUtcNow() - DateTimeOffset.UnixEpoch;

        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() - _ahead;
    }
}
