using System.ClientModel;
using System.ClientModel.Primitives;
using System.Net;
using System.Text.Json;
using LlmGateway.FunctionalTests.Infrastructure;
using OpenAI;
using OpenAI.Chat;

namespace LlmGateway.FunctionalTests;

/// <summary>What everyone meets first: it starts, says so, answers a first curl, and an OpenAI client works by changing its address.</summary>
public sealed class HouseKeepingTests
{
    private const string Hello = """{"model":"anything","messages":[{"role":"user","content":"Hello there"}]}""";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("/health/live")]
    [InlineData("/health/ready")]
    public async Task Health_is_answered_without_a_key(string path)
    {
        await using var provider = ScriptedProvider.OpenAi();
        await using var gateway = await new GatewayUnderTest().InProduction(provider).StartAsync();

        using var response = await gateway.Client.GetAsync(new Uri(path, UriKind.Relative), Cancellation);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    [Fact]
    public async Task Metrics_are_Prometheus_text_without_a_key()
    {
        await using var provider = ScriptedProvider.OpenAi().Answers(Script.Json(OpenAiReplies.Completion("hi")));
        await using var gateway = await new GatewayUnderTest().InProduction(provider).StartAsync();

        using var response = await gateway.SendAsync("/v1/chat/completions", Hello, ("Authorization", "Bearer sk-client"));

        var page = await gateway.WaitForMetricsAsync(metrics => metrics.Sum("llm_gateway_requests_total", ("status", "200")) > 0, "the request to be counted");
        Assert.Equal(1, page.Sum("llm_gateway_requests_total", ("endpoint", "/v1/chat/completions"), ("provider", "internal")));
    }

    [Fact]
    public async Task A_first_curl_with_no_configuration_is_answered_by_the_mock_that_says_so()
    {
        await using var gateway = await new GatewayUnderTest().StartAsync();

        using var response = await gateway.SendAsync("/v1/chat/completions", Hello);

        var json = await response.Content.ReadAsStringAsync(Cancellation);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        OpenAiSchema.AssertValid(OpenAiSchema.Completion, json);
        using var reply = JsonDocument.Parse(json);
        Assert.Equal("Mock response to: Hello there", reply.RootElement.GetProperty("choices")[0].GetProperty("message").GetProperty("content").GetString());
        Assert.Contains("mock", reply.RootElement.GetProperty("model").GetString(), StringComparison.Ordinal);
        Assert.Equal("mock", response.Headers.GetValues("x-llm-provider").Single());
        await gateway.Log.WaitForAsync(line => line.ToString().Contains("mock", StringComparison.Ordinal), "a log line that names the mock");
    }

    [Fact]
    public async Task A_first_streamed_curl_is_answered_word_by_word()
    {
        await using var gateway = await new GatewayUnderTest().StartAsync();

        using var response = await gateway.OpenStreamAsync("/v1/chat/completions", Hello.Replace("{\"model\"", "{\"stream\":true,\"model\"", StringComparison.Ordinal));
        await using var reader = await SseReader.OpenAsync(response, Cancellation);
        var events = await reader.ReadToEndAsync();

        Assert.True(events[^1].IsDone);
        Assert.All(events[..^1], chunk => OpenAiSchema.AssertValid(OpenAiSchema.Chunk, chunk.Data));
        var words = events[..^1].Select(Content).Where(word => word.Length > 0).ToList();
        Assert.Equal("Mock response to: Hello there", string.Concat(words));
        Assert.True(words.Count >= 5);
    }

    [Fact]
    public async Task The_OpenAI_client_gets_a_whole_answer()
    {
        await using var provider = ScriptedProvider.OpenAi().Answers(Script.Json(OpenAiReplies.Completion("Well met")));
        await using var gateway = await new GatewayUnderTest().InProduction(provider).StartAsync();

        ChatCompletion reply = await OpenAiClient(gateway).CompleteChatAsync([new UserChatMessage("Hello there")], cancellationToken: Cancellation);

        Assert.Equal("Well met", reply.Content[0].Text);
        Assert.Equal(11, reply.Usage.TotalTokenCount);
        Assert.Equal("Hello there", provider.Requests[0].Json().GetProperty("messages")[0].GetProperty("content").GetString());
    }

    [Fact]
    public async Task A_request_leaves_one_record_with_its_attempt()
    {
        await using var provider = ScriptedProvider.OpenAi().Answers(Script.Json(OpenAiReplies.Completion("hi", promptTokens: 9, completionTokens: 2)));
        await using var gateway = await new GatewayUnderTest().InProduction(provider).StartAsync();

        using var response = await gateway.SendAsync("/v1/chat/completions", Hello, ("Authorization", "Bearer sk-client"), ("X-Request-Id", "house-1"));

        var record = Assert.Single(await gateway.Ledger.WaitForRequestsAsync(1));
        Assert.Equal(("house-1", "test", 200L, 9L, 2L), (record["request_id"], record["key_name"], record["status"], record["input_tokens"], record["output_tokens"]));
        var attempt = Assert.Single(gateway.Ledger.Attempts(record));
        Assert.Equal(("internal", "success", "answer", "provider"), (attempt["provider"], attempt["outcome"], attempt["role"], attempt["source"]));
    }

    [Fact]
    public async Task No_secret_of_the_set_up_comes_out_anywhere()
    {
        var canaries = new Canaries();
        var (client, internalKey, ticket, admin, openAiKey) = (canaries.New("sk-client"), canaries.New("sk-internal"), canaries.New("ticket"), canaries.New("admin"), canaries.New("sk-openai"));
        await using var provider = ScriptedProvider.OpenAi().ForbidsSecrets(client, admin, openAiKey)
            .Answers(Script.Json(OpenAiReplies.Completion("hi")), Script.Json(OpenAiReplies.Error("key " + internalKey + " is not known"), 401));
        await using var gateway = await new GatewayUnderTest().InProduction(provider, client)
            .WithVariable("INTERNAL_LLM_API_KEY", internalKey).WithVariable("INTERNAL_LLM_TICKET", ticket)
            .WithVariable("ADMIN_API_KEY", admin).WithVariable("OPENAI_API_KEY", openAiKey).WithVariable("LLM_DEBUG", "true")
            .StartAsync();

        using var right = await gateway.SendAsync("/v1/chat/completions", Hello, ("Authorization", "Bearer " + client));
        using var refusedKey = await gateway.SendAsync("/v1/chat/completions", Hello, ("Authorization", "Bearer " + client));

        Assert.Equal("Bearer " + internalKey, provider.Requests[0].Header("authorization"));
        Assert.Equal(ticket, provider.Requests[0].Header("x-dep-ticket"));
        Assert.Equal(HttpStatusCode.BadGateway, refusedKey.StatusCode);
        await gateway.Ledger.WaitForRequestsAsync(2);
        canaries.AssertNoCanary(right.Headers + await right.Content.ReadAsStringAsync(Cancellation));
        canaries.AssertNoCanary(refusedKey.Headers + await refusedKey.Content.ReadAsStringAsync(Cancellation));
        canaries.AssertNoCanary((await gateway.MetricsAsync()).Text);
        await gateway.StopAsync();
        canaries.AssertNoCanary(gateway.Log.Text);
        foreach (var file in Directory.EnumerateFiles(gateway.Folder.Path, "*", SearchOption.AllDirectories))
        {
            canaries.AssertNoCanary(await File.ReadAllTextAsync(file, System.Text.Encoding.Latin1, Cancellation));
        }
    }

    [Fact]
    public async Task The_OpenAI_client_gets_a_stream_as_it_comes()
    {
        var gate = new Gate();
        await using var provider = ScriptedProvider.OpenAi().Answers(
            Script.Sse(OpenAiReplies.RoleChunk(), OpenAiReplies.ContentChunk("Well ")).WaitFor(gate)
                .Event(OpenAiReplies.ContentChunk("met")).Event(OpenAiReplies.FinishChunk()).Event(OpenAiReplies.UsageChunk()).Done());
        await using var gateway = await new GatewayUnderTest().InProduction(provider).StartAsync();

        var texts = new List<string>();
        var total = 0;
        await foreach (var update in OpenAiClient(gateway).CompleteChatStreamingAsync([new UserChatMessage("Hello there")], cancellationToken: Cancellation))
        {
            texts.AddRange(update.ContentUpdate.Select(part => part.Text).Where(text => text.Length > 0));
            total = update.Usage?.TotalTokenCount ?? total;
            if (texts.Count == 1)
            {
                // The provider goes on only once the client has its first word: nothing was held back until the end.
                gate.Release();
            }
        }

        Assert.Equal(["Well ", "met"], texts);
        Assert.Equal(11, total);
    }

    [Fact]
    public async Task An_unknown_path_answers_OpenAIs_error_shape()
    {
        await using var gateway = await new GatewayUnderTest().StartAsync();

        using var response = await gateway.Client.GetAsync(new Uri("/nothing/here", UriKind.Relative), Cancellation);

        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
        OpenAiSchema.AssertValid(OpenAiSchema.Error, await response.Content.ReadAsStringAsync(Cancellation));
        Assert.True(response.Headers.Contains("X-Request-Id"));
    }

    private static ChatClient OpenAiClient(GatewayUnderTest gateway) => new(
        "internal-model",
        new ApiKeyCredential("sk-client"),
        new OpenAIClientOptions { Endpoint = new Uri(gateway.BaseUrl + "/v1"), RetryPolicy = new ClientRetryPolicy(0) });

    private static string Content(SseEvent chunk)
    {
        using var document = JsonDocument.Parse(chunk.Data);
        return document.RootElement.GetProperty("choices").EnumerateArray()
            .Select(choice => choice.GetProperty("delta").TryGetProperty("content", out var content) ? content.GetString() ?? "" : "")
            .FirstOrDefault() ?? "";
    }
}
