using System.ClientModel;
using System.ClientModel.Primitives;
using System.Globalization;
using System.Net;
using System.Runtime.InteropServices;
using System.Text.Json;
using LlmGateway.FunctionalTests.Infrastructure;
using OpenAI;
using OpenAI.Embeddings;

namespace LlmGateway.FunctionalTests;

/// <summary>Embeddings: every provider gives what the client asked for, numbers or base64, and never a vector of another model unasked.</summary>
public sealed class EmbeddingsTests
{
    private static readonly (string Name, string Value) Key = ("Authorization", "Bearer sk-client");

    private static readonly float[] Vector = [0.25f, -1.5f, 3.1415927f];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_OpenAI_client_gets_vectors_from_a_provider_that_knows_numbers_alone()
    {
        await using var provider = ScriptedProvider.OpenAi().On("POST /v1/embeddings", Script.Json(Numbers(2)));
        await using var gateway = await new GatewayUnderTest().InProduction(provider).StartAsync();

        OpenAIEmbeddingCollection reply = await Client(gateway).GenerateEmbeddingsAsync(["one", "two"], cancellationToken: Cancellation);

        Assert.Equal("base64", provider.Requests[0].Json().GetProperty("encoding_format").GetString());
        Assert.Equal(2, reply.Count);
        Assert.All(reply, embedding => Assert.Equal(Vector, embedding.ToFloats().ToArray()));
        Assert.Equal(6, reply.Usage.TotalTokenCount);
    }

    [Fact]
    public async Task Numbers_are_given_where_a_provider_answers_base64_to_all()
    {
        await using var provider = ScriptedProvider.OpenAi().On("POST /v1/embeddings", Script.Json(Reply($"\"{Base64()}\"", 1)));
        await using var gateway = await new GatewayUnderTest().InProduction(provider).StartAsync();

        using var response = await gateway.SendAsync("/v1/embeddings", """{"model":"embed","input":"one"}""", Key);

        var json = await response.Content.ReadAsStringAsync(Cancellation);
        OpenAiSchema.AssertValid(OpenAiSchema.Embeddings, json);
        Assert.Contains("[0.25,-1.5,3.1415927]", json, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"model":"embed","input":"one","x_new":[1.50]}""")]
    [InlineData("""{"model":"embed","input":[1,2,3],"dimensions":3}""")]
    [InlineData("""{"model":"embed","input":[[1,2,3]],"user":"u"}""")]
    [InlineData("""{"model":"embed","input":["one"],"encoding_format":"float"}""")]
    public async Task An_answer_that_fits_goes_through_byte_for_byte_as_does_the_request(string request)
    {
        await using var provider = ScriptedProvider.OpenAi().On("POST /v1/embeddings", Script.Json(Numbers(1)));
        await using var gateway = await new GatewayUnderTest().InProduction(provider).StartAsync();

        using var response = await gateway.SendAsync("/v1/embeddings", request, Key);

        Assert.Equal(Numbers(1), await response.Content.ReadAsStringAsync(Cancellation));
        Assert.Equal(request, provider.Requests[0].Text);
        Assert.Equal("internal", response.Headers.GetValues("x-llm-provider").Single());
    }

    [Theory]
    [InlineData("""{"input":""}""", "input")]
    [InlineData("""{"input":[]}""", "input")]
    [InlineData("""{"input":["a",1]}""", "input")]
    [InlineData("""{"input":[[]]}""", "input")]
    [InlineData("""{"input":[1.5]}""", "input")]
    [InlineData("""{"input":{"a":1}}""", "input")]
    [InlineData("""{"model":"m"}""", "input")]
    [InlineData("""{"input":"a","input":"b"}""", "input")]
    [InlineData("""{"input":"a","dimensions":0}""", "dimensions")]
    [InlineData("""{"input":"a","dimensions":99999999999}""", "dimensions")]
    [InlineData("""{"input":"a","encoding_format":"int8"}""", "encoding_format")]
    [InlineData("""{"input":"a","model":7}""", "model")]
    public async Task What_OpenAI_refuses_is_refused_before_any_provider_is_asked(string request, string param)
    {
        await using var provider = ScriptedProvider.OpenAi();
        await using var gateway = await new GatewayUnderTest().InProduction(provider).StartAsync();

        using var response = await gateway.SendAsync("/v1/embeddings", request, Key);

        var json = await response.Content.ReadAsStringAsync(Cancellation);
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        OpenAiSchema.AssertValid(OpenAiSchema.Error, json);
        using var document = JsonDocument.Parse(json);
        Assert.Equal(param, document.RootElement.GetProperty("error").GetProperty("param").GetString());
        Assert.Empty(provider.Requests);
    }

    [Theory]
    [InlineData("""{"object":"list","data":[],"model":"m"}""")]
    [InlineData("""{"object":"list","data":[{"object":"embedding","index":0,"embedding":[]}],"model":"m"}""")]
    [InlineData("""{"object":"list","data":[{"object":"embedding","index":0,"embedding":["x"]}],"model":"m"}""")]
    [InlineData("""{"object":"list","data":[{"object":"embedding","index":0,"embedding":"!"}],"model":"m"}""")]
    [InlineData("""{"object":"list","data":[{"object":"embedding","index":0}],"model":"m"}""")]
    [InlineData("<html>")]
    public async Task What_is_no_vector_is_a_failed_attempt(string reply)
    {
        await using var provider = ScriptedProvider.OpenAi().On("POST /v1/embeddings", Script.Json(reply));
        await using var gateway = await new GatewayUnderTest().InProduction(provider).StartAsync();

        using var response = await gateway.SendAsync("/v1/embeddings", """{"input":"a"}""", Key);

        Assert.Equal(HttpStatusCode.BadGateway, response.StatusCode);
        Assert.Contains("invalid_response", await response.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_agent_the_model_is_the_clients_and_with_one_the_agents()
    {
        await using var provider = ScriptedProvider.OpenAi().Always("POST /v1/embeddings", _ => Script.Json(Numbers(1)));
        await using var gateway = await new GatewayUnderTest().InProduction(provider)
            .WithAgents("""{"agents":{"search":{"provider":"internal","model_name":"agents-embed","system_prompt":"Never seen here","temperature":0.5}}}""").StartAsync();

        using var own = await gateway.SendAsync("/v1/embeddings", """{"model":"clients-embed","input":"a"}""", Key);
        using var byPath = await gateway.SendAsync("/agents/search/v1/embeddings", """{"model":"clients-embed","input":"a"}""", Key);
        using var none = await gateway.SendAsync("/v1/embeddings", """{"input":"a"}""", Key);

        Assert.Equal(["clients-embed", "agents-embed", "internal-model"], provider.Requests.Select(request => request.Json().GetProperty("model").GetString()));
        Assert.All(provider.Requests, request => Assert.Equal(2, request.Json().EnumerateObject().Count()));
        Assert.Equal("search", byPath.Headers.GetValues("x-llm-agent").Single());
    }

    [Theory]
    [InlineData("float")]
    [InlineData("base64")]
    public async Task Ollama_embeds_in_its_own_form(string encoding)
    {
        await using var provider = ScriptedProvider.Ollama().On(
            "POST /api/embed", Script.Json("""{"model":"llama3.1","embeddings":[[0.25,-1.5,3.1415927],[0.25,-1.5,3.1415927]],"total_duration":1,"load_duration":1,"prompt_eval_count":7}"""));
        await using var gateway = await new GatewayUnderTest().WithVariable("OLLAMA_BASE_URL", provider.BaseUrl).StartAsync();

        using var response = await gateway.SendAsync("/v1/embeddings", $$"""{"model":"nomic-embed-text","input":["a","b"],"dimensions":3,"encoding_format":"{{encoding}}"}""");

        var json = await response.Content.ReadAsStringAsync(Cancellation);
        OpenAiSchema.AssertValid(OpenAiSchema.Embeddings, encoding == "float" ? json : json.Replace($"\"{Base64()}\"", "[1]", StringComparison.Ordinal));
        using var document = JsonDocument.Parse(json);
        var second = document.RootElement.GetProperty("data")[1];
        Assert.Equal(1, second.GetProperty("index").GetInt32());
        Assert.Equal(encoding == "float" ? "[0.25,-1.5,3.1415927]" : $"\"{Base64()}\"", second.GetProperty("embedding").GetRawText());
        Assert.Equal(7, document.RootElement.GetProperty("usage").GetProperty("total_tokens").GetInt32());
        var sent = provider.Requests[0].Json();
        Assert.Equal(("nomic-embed-text", 3, false), (sent.GetProperty("model").GetString(), sent.GetProperty("dimensions").GetInt32(), sent.GetProperty("truncate").GetBoolean()));
    }

    [Fact]
    public async Task Ollama_is_not_asked_to_embed_token_numbers()
    {
        await using var provider = ScriptedProvider.Ollama();
        await using var gateway = await new GatewayUnderTest().WithVariable("OLLAMA_BASE_URL", provider.BaseUrl).StartAsync();

        using var response = await gateway.SendAsync("/v1/embeddings", """{"input":[1,2,3]}""");

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Contains("unsupported_by_any_target", await response.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);
    }

    [Fact]
    public async Task With_no_configuration_the_mock_gives_the_same_vector_for_the_same_text()
    {
        await using var gateway = await new GatewayUnderTest().StartAsync();

        OpenAIEmbeddingCollection reply = await Client(gateway).GenerateEmbeddingsAsync(
            ["one", "two", "one"], new EmbeddingGenerationOptions { Dimensions = 8 }, Cancellation);

        var vectors = reply.Select(embedding => embedding.ToFloats().ToArray()).ToList();
        Assert.Equal(8, vectors[0].Length);
        Assert.Equal(vectors[0], vectors[2]);
        Assert.NotEqual(vectors[0], vectors[1]);
        Assert.Equal(1, vectors[0].Sum(number => number * number), 4);
    }

    [Fact]
    public async Task A_failure_falls_back_and_both_attempts_are_on_record()
    {
        await using var first = ScriptedProvider.OpenAi().On("POST /v1/embeddings", Script.Json(OpenAiReplies.Error("down"), 503));
        await using var second = ScriptedProvider.OpenAi().On("POST /v1/embeddings", Script.Json(Numbers(1)));
        await using var gateway = await new GatewayUnderTest().InProduction(first)
            .WithSettings($"providers:\n  spare:\n    base_url: {second.BaseUrl}\n    models: [embed]\n")
            .WithAgents("""{"fallback_settings":{"enabled":true,"providers":[{"provider":"spare","model_name":"embed"}]}}""").StartAsync();

        using var response = await gateway.SendAsync("/v1/embeddings", """{"input":"a"}""", Key);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("server_error", response.Headers.GetValues("x-llm-fallback-reason").Single());
        var record = Assert.Single(await gateway.Ledger.WaitForRequestsAsync(1));
        Assert.Equal(("/v1/embeddings", 6L, 0L), (record["endpoint"], record["input_tokens"], record["output_tokens"]));
        Assert.Equal(["server_error", "success"], gateway.Ledger.Attempts(record).Select(attempt => (string)attempt["outcome"]!));
    }

    private static string Numbers(int count) => Reply("[" + string.Join(",", Vector.Select(number => number.ToString("R", CultureInfo.InvariantCulture))) + "]", count);

    private static string Reply(string vector, int count) =>
        $$$"""{"object":"list","data":[{{{string.Join(",", Enumerable.Range(0, count).Select(index => $$"""{"object":"embedding","index":{{index}},"embedding":{{vector}}}"""))}}}],"model":"embed","usage":{"prompt_tokens":6,"total_tokens":6}}""";

    private static string Base64() => Convert.ToBase64String(MemoryMarshal.AsBytes<float>(Vector));

    private static EmbeddingClient Client(GatewayUnderTest gateway) => new(
        "embed",
        new ApiKeyCredential("sk-client"),
        new OpenAIClientOptions { Endpoint = new Uri(gateway.BaseUrl + "/v1"), RetryPolicy = new ClientRetryPolicy(0) });
}
