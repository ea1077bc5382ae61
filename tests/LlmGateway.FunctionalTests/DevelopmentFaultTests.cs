using LlmGateway.FunctionalTests.Infrastructure;

namespace LlmGateway.FunctionalTests;

/// <summary>In development Ollama answers first; the mock stands in only where there is no model to ask.</summary>
public sealed class DevelopmentFaultTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Ollama_answers_without_any_key(bool isStreaming)
    {
        await using var ollama = ScriptedProvider.Ollama().Answers(isStreaming ? OllamaReplies.Stream("Well ", "met") : Script.Json(OllamaReplies.Whole("Well met")));
        await using var gateway = await StartAsync(ollama.BaseUrl);

        var answer = await AskAsync(gateway, isStreaming);

        answer.AssertAnswered("Well met");
        Assert.Equal(("ollama", "llama3.1", "1", null), (answer.Header("x-llm-provider"), answer.Header("x-llm-model"), answer.Header("x-llm-attempts"), answer.Header("x-llm-fallback-reason")));
        var record = Assert.Single(await gateway.Ledger.WaitForRequestsAsync(1));
        Assert.Equal((9L, 2L, "provider"), (record["input_tokens"], record["output_tokens"], record["attempt_source"]));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_mock_stands_in_when_nobody_listens(bool isStreaming)
    {
        using var port = new ClosedPort();
        await using var gateway = await StartAsync(port.BaseUrl);

        var answer = await AskAsync(gateway, isStreaming);

        answer.AssertAnswered("Mock response to: Hello there");
        Assert.Equal(("mock", "2", "connection"), (answer.Header("x-llm-provider"), answer.Header("x-llm-attempts"), answer.Header("x-llm-fallback-reason")));
    }

    // With the circuit open the reason is another one, and the mock's condition must still be met by what opened it.
    [Fact]
    public async Task The_mock_goes_on_standing_in_while_nobody_listens()
    {
        using var port = new ClosedPort();
        await using var gateway = await StartAsync(port.BaseUrl);

        for (var i = 0; i < 8; i++)
        {
            var answer = await AskAsync(gateway, isStreaming: false);
            answer.AssertAnswered("Mock response to: Hello there");
            Assert.Equal(i < 5 ? ("2", "connection") : ("1", "circuit_open"), (answer.Header("x-llm-attempts"), answer.Header("x-llm-fallback-reason")));
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_mock_stands_in_when_the_model_is_not_there(bool isStreaming)
    {
        await using var ollama = ScriptedProvider.Ollama().Answers(Script.Json(OllamaReplies.Error("model 'llama3.1' not found"), 404));
        await using var gateway = await StartAsync(ollama.BaseUrl);

        var answer = await AskAsync(gateway, isStreaming);

        answer.AssertAnswered("Mock response to: Hello there");
        Assert.Equal("model_unavailable", answer.Header("x-llm-fallback-reason"));
    }

    [Theory]
    [InlineData(false, 500)]
    [InlineData(true, 500)]
    [InlineData(false, 503)]
    [InlineData(true, 429)]
    public async Task The_mock_does_not_hide_a_model_that_fails(bool isStreaming, int status)
    {
        await using var ollama = ScriptedProvider.Ollama().Answers(Script.Json(OllamaReplies.Error("out of memory"), status));
        await using var gateway = await StartAsync(ollama.BaseUrl);

        var answer = await AskAsync(gateway, isStreaming);

        Assert.Equal(status == 429 ? 429 : 502, answer.Status);
        Assert.Equal("1", answer.Header("x-llm-attempts"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Stream_of_lines_that_breaks_ends_with_one_error_event(bool withError)
    {
        var gate = new Gate();
        var script = Script.JsonLines(OllamaReplies.Word("Hel"), OllamaReplies.Word("lo")).WaitFor(gate);
        await using var ollama = ScriptedProvider.Ollama().Answers(withError ? script.Line(OllamaReplies.Error("llama runner process has terminated")) : script.Text("{\"model\":").Reset());
        await using var gateway = await StartAsync(ollama.BaseUrl);

        using var response = await gateway.OpenStreamAsync(ProductionStage.Path, ProductionStage.Body(isStreaming: true));
        gate.Release();
        var answer = await ChatAnswer.ReadAsync(response);

        answer.AssertBroken("Hello");
        var record = Assert.Single(await gateway.Ledger.WaitForRequestsAsync(1));
        Assert.Equal(("estimated", 2L), (record["attempt_source"], record["output_tokens"]));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Ollama_is_cancelled_when_the_client_leaves(bool isStreaming)
    {
        await using var ollama = ScriptedProvider.Ollama().Answers(Script.NeverAnswer());
        await using var gateway = await StartAsync(ollama.BaseUrl);
        using var impatience = new CancellationTokenSource();

        using var request = gateway.Post(ProductionStage.Path, ProductionStage.Body(isStreaming));
        var sent = gateway.Client.SendAsync(request, impatience.Token);
        var received = await ollama.WaitForRequestAsync();
        await impatience.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sent);
        await received.WaitForPeerCloseAsync();
        var record = Assert.Single(await gateway.Ledger.WaitForRequestsAsync(1));
        Assert.Equal((499L, "cancelled"), (record["status"], record["attempt_outcome"]));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task In_production_Ollama_answers_last(bool isStreaming)
    {
        await using var ollama = ScriptedProvider.Ollama().Answers(isStreaming ? OllamaReplies.Stream("Well ", "met") : Script.Json(OllamaReplies.Whole("Well met")));
        await using var stage = await ProductionStage.StartAsync(configure: stage => stage.Gateway.WithVariable("OLLAMA_BASE_URL", ollama.BaseUrl));
        stage.First.Answers(Script.Json("{}", 500));
        stage.Second.Answers(Script.Json("{}", 500));

        var answer = await stage.AskAsync(isStreaming);

        answer.AssertAnswered("Well met");
        Assert.Equal(("ollama", "3", "server_error"), (answer.Header("x-llm-provider"), answer.Header("x-llm-attempts"), answer.Header("x-llm-fallback-reason")));
    }

    private static Task<GatewayUnderTest> StartAsync(string ollamaUrl) =>
        new GatewayUnderTest().WithVariable("OLLAMA_BASE_URL", ollamaUrl).StartAsync();

    private static async Task<ChatAnswer> AskAsync(GatewayUnderTest gateway, bool isStreaming)
    {
        using var response = await gateway.OpenStreamAsync(ProductionStage.Path, ProductionStage.Body(isStreaming));
        return await ChatAnswer.ReadAsync(response);
    }
}
