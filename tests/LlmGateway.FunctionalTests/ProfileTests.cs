using System.Net;
using System.Text.Json;
using LlmGateway.FunctionalTests.Infrastructure;

namespace LlmGateway.FunctionalTests;

/// <summary>Which agent serves a request, which provider and model that means, and what of the profile the provider sees.</summary>
public sealed class ProfileTests
{
    private const string Chat = "/v1/chat/completions";
    private const string Messages = "\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]";

    private static readonly (string, string) Authorized = ("Authorization", "Bearer sk-client");

    [Theory]
    [InlineData("header", null, null, "model-of-header")]
    [InlineData(null, "path", null, "model-of-path")]
    [InlineData(null, null, "agent:alias", "model-of-alias")]
    [InlineData("header", "path", "agent:alias", "model-of-header")]
    [InlineData(null, "path", "agent:alias", "model-of-path")]
    [InlineData("header", null, "agent:unknown", "model-of-header")]
    [InlineData("header", null, "some-other-model", "model-of-header")]
    [InlineData("header", null, "role:primary", "model-of-header")]
    [InlineData("", null, null, "internal-model")]
    [InlineData(null, null, "unknown-model", "internal-model")]
    [InlineData(null, null, "agents", "internal-model")]
    public async Task The_agent_is_that_of_the_header_else_the_path_else_the_alias(string? header, string? path, string? model, string expected)
    {
        await using var provider = Hello();
        await using var gateway = await new GatewayUnderTest().InProduction(provider)
            .WithAgents("""{"agents":{"header":{"model_name":"model-of-header"},"path":{"model_name":"model-of-path"},"alias":{"model_name":"model-of-alias"}},"default":{"provider":"internal"}}""")
            .StartAsync();

        using var response = await gateway.SendAsync(
            path is null ? Chat : $"/agents/{path}{Chat}", Body(model), [Authorized, .. header is null ? [] : new[] { ("X-Agent-Profile", header) }]);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(expected, SentModel(provider));
        Assert.Equal(expected, response.Headers.GetValues("x-llm-model").Single());
        Assert.Equal(expected == "internal-model" ? "default" : expected["model-of-".Length..], response.Headers.GetValues("x-llm-agent").Single());
    }

    [Theory]
    [InlineData("nobody", null, null)]
    [InlineData(null, "nobody", null)]
    [InlineData(null, null, "agent:nobody")]
    [InlineData(null, null, "agent:")]
    [InlineData("Writer", null, null)]
    [InlineData("writer, reader", null, null)]
    public async Task An_unknown_agent_is_404_with_those_there_are(string? header, string? path, string? model)
    {
        await using var provider = ScriptedProvider.OpenAi();
        await using var gateway = await new GatewayUnderTest().InProduction(provider).WithAgents("""{"agents":{"writer":{},"reader":{}}}""").StartAsync();

        using var response = await gateway.SendAsync(
            path is null ? Chat : $"/agents/{path}{Chat}", Body(model), [Authorized, .. header is null ? [] : new[] { ("X-Agent-Profile", header) }]);

        var error = await OpenAiError.ReadAsync(response);
        Assert.Equal((404, "invalid_request_error", "agent_not_found"), (error.Status, error.Type, error.Code));
        Assert.Equal(header is not null ? "X-Agent-Profile" : path is not null ? "agent" : "model", error.Param);
        Assert.Contains("reader, writer", error.Message);
        Assert.Empty(provider.Requests);
    }

    [Theory]
    [InlineData(true, "plain-name", "plain-name")]
    [InlineData(true, "agent:free", "model-of-free")]
    [InlineData(true, "role:primary", "model-of-free")]
    [InlineData(true, null, "model-of-free")]
    [InlineData(false, "plain-name", "model-of-bound")]
    public async Task A_profile_may_let_the_request_choose_the_model(bool allows, string? model, string expected)
    {
        await using var provider = Hello();
        await using var gateway = await new GatewayUnderTest().InProduction(provider)
            .WithAgents("""{"default":{"provider":"internal"},"agents":{"free":{"model_name":"model-of-free","allow_model_override":true},"bound":{"model_name":"model-of-bound"}}}""")
            .StartAsync();

        using var response = await gateway.SendAsync(Chat, Body(model), Authorized, ("X-Agent-Profile", allows ? "free" : "bound"));

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(expected, SentModel(provider));
    }

    [Theory]
    [InlineData("shared", "first", "shared")]
    [InlineData("only-second", "second", "only-second")]
    [InlineData("vendor/with-slash", "second", "vendor/with-slash")]
    [InlineData("first/anything/at-all", "first", "anything/at-all")]
    [InlineData("second/shared", "second", "shared")]
    [InlineData("stranger/shared", "first", "first-default")]
    [InlineData("first/", "first", "first-default")]
    public async Task A_request_may_name_a_listed_model_or_provider_and_model(string model, string provider, string expected)
    {
        await using var first = Hello();
        await using var second = Hello();
        await using var gateway = await new GatewayUnderTest().WithEnvironment("production").WithVariable("GATEWAY_API_KEYS", "test:sk-client")
            .WithSettings($"""
                llm:
                  default_provider: first
                  default_model: first-default
                providers:
                  second:
                    base_url: {second.BaseUrl}
                    models: [shared, only-second, vendor/with-slash]
                  first:
                    base_url: {first.BaseUrl}/v1/
                    models: [shared]
                """)
            .StartAsync();

        using var response = await gateway.SendAsync(Chat, Body(model), Authorized);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(provider, response.Headers.GetValues("x-llm-provider").Single());
        Assert.Equal(expected, SentModel(provider == "first" ? first : second));
        Assert.Equal(1, first.Requests.Count + second.Requests.Count);
    }

    [Theory]
    [InlineData("role:primary", "p1,p2,d1,r1")]
    [InlineData("role:duplicate", "d1,r1")]
    [InlineData("role:reserve", "r1")]
    public async Task A_role_starts_its_chain_and_goes_through_it_in_order(string role, string expected)
    {
        await using var provider = ScriptedProvider.OpenAi().AlwaysAnswers(_ => Script.Chosen(request =>
            request.Json().GetProperty("model").GetString() == "r1" ? Script.Json(OpenAiReplies.Completion("hi")) : Script.Json(OpenAiReplies.Error("down"), 500)));
        await using var gateway = await new GatewayUnderTest().InProduction(provider)
            .WithSettings($"""
                llm:
                  default_provider: acme
                  default_model: fallback-model
                  model_roles:
                    primary: [p1, p2]
                    duplicate: [d1]
                    reserve: [r1]
                providers:
                  acme: {provider.BaseUrl switch { var url => $"{{ base_url: {url} }}" }}
                """)
            .StartAsync();

        using var response = await gateway.SendAsync(Chat, Body(role), Authorized);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(expected, string.Join(',', provider.Requests.Select(request => request.Json().GetProperty("model").GetString())));
        Assert.Equal(provider.Requests.Count.ToString(System.Globalization.CultureInfo.InvariantCulture), response.Headers.GetValues("x-llm-attempts").Single());
    }

    [Theory]
    [InlineData("role:nothing")]
    [InlineData("role:reserve")]
    [InlineData("role:")]
    public async Task An_unknown_or_empty_role_is_404(string role)
    {
        await using var provider = ScriptedProvider.OpenAi();
        await using var gateway = await new GatewayUnderTest().InProduction(provider)
            .WithSettings($"llm:\n  default_provider: acme\n  default_model: m\n  model_roles:\n    primary: [p1]\nproviders:\n  acme:\n    base_url: {provider.BaseUrl}\n")
            .StartAsync();

        using var response = await gateway.SendAsync(Chat, Body(role), Authorized);

        var error = await OpenAiError.ReadAsync(response);
        Assert.Equal((404, "model_not_found", "model"), (error.Status, error.Code, error.Param));
        Assert.Contains("primary", error.Message);
        Assert.Empty(provider.Requests);
    }

    [Fact]
    public async Task Sampling_that_the_request_leaves_out_comes_from_the_profile()
    {
        var sent = await SendToProfileAsync("{" + Messages + "}");

        Assert.Equal(0.25, sent.GetProperty("temperature").GetDouble());
        Assert.Equal(0.5, sent.GetProperty("top_p").GetDouble());
        Assert.Equal(77, sent.GetProperty("max_tokens").GetInt32());
        Assert.Equal(5, sent.GetProperty("seed").GetInt32());
        Assert.Equal("END", sent.GetProperty("stop").ToString().Trim('[', ']', '"'));
        Assert.Equal("json_object", sent.GetProperty("response_format").GetProperty("type").GetString());
    }

    [Fact]
    public async Task Sampling_that_the_request_sets_stays()
    {
        var sent = await SendToProfileAsync("""{"temperature":1,"top_p":0.9,"max_tokens":3,"seed":9,"stop":["X"],"response_format":{"type":"text"},""" + Messages + "}");

        Assert.Equal(1, sent.GetProperty("temperature").GetDouble());
        Assert.Equal(0.9, sent.GetProperty("top_p").GetDouble());
        Assert.Equal(3, sent.GetProperty("max_tokens").GetInt32());
        Assert.Equal(9, sent.GetProperty("seed").GetInt32());
        Assert.Equal("""["X"]""", sent.GetProperty("stop").GetRawText());
        Assert.Equal("text", sent.GetProperty("response_format").GetProperty("type").GetString());
    }

    [Fact]
    public async Task A_limit_is_not_filled_beside_the_clients_other_one()
    {
        var sent = await SendToProfileAsync("""{"max_completion_tokens":3,""" + Messages + "}");

        Assert.Equal(3, sent.GetProperty("max_completion_tokens").GetInt32());
        Assert.False(sent.TryGetProperty("max_tokens", out _));
    }

    [Fact]
    public async Task A_null_counts_as_left_out()
    {
        var sent = await SendToProfileAsync("""{"temperature":null,"max_tokens":null,"model":null,""" + Messages + "}");

        Assert.Equal(0.25, sent.GetProperty("temperature").GetDouble());
        Assert.Equal(77, sent.GetProperty("max_tokens").GetInt32());
        Assert.Equal("profile-model", sent.GetProperty("model").GetString());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_a_model_refuses_of_the_profile_is_left_out_however_many_fields_it_is(bool isStreaming)
    {
        await using var stage = await ProductionStage.StartAloneAsync("\"temperature\": 0, \"max_tokens\": 77, \"top_p\": 0.7, \"seed\": 5");
        stage.First.Answers(
            Script.Json(Unsupported("max_tokens", "unsupported_parameter"), 400), Script.Json(Unsupported("temperature", "unsupported_value"), 400),
            Script.Json(Unsupported("top_p", null), 400), Script.Json(Unsupported("seed", null), 400),
            ProductionStage.Answer(isStreaming), ProductionStage.Answer(isStreaming));

        var (first, second) = (await stage.AskAsync(isStreaming), await stage.AskAsync(isStreaming));

        first.AssertAnswered("Well met");
        second.AssertAnswered("Well met");
        Assert.Equal(("1", null), (first.Header("x-llm-attempts"), first.Header("x-llm-fallback-reason")));
        Assert.Equal(6, stage.First.Requests.Count);
        Assert.All(stage.First.Requests.Skip(4).Select(request => request.Json()), sent =>
        {
            Assert.Equal(77, sent.GetProperty("max_completion_tokens").GetInt32());
            Assert.All((string[])["max_tokens", "temperature", "top_p", "seed"], name => Assert.False(sent.TryGetProperty(name, out _), name));
        });
    }

    [Theory]
    [InlineData("temperature", "0.3")]
    [InlineData("max_tokens", "5")]
    [InlineData("seed", "9")]
    public async Task What_a_model_refuses_of_the_request_is_the_clients_fault(string field, string value)
    {
        await using var stage = await ProductionStage.StartAloneAsync();
        stage.First.Answers(Script.Json(Unsupported(field, "unsupported_parameter"), 400));

        var answer = await stage.AskAsync(ProductionStage.Body(false, more: $",\"{field}\":{value}"));

        answer.AssertError(400, "unsupported_parameter");
        Assert.Single(stage.First.Requests);
    }

    [Fact]
    public async Task The_profiles_system_prompt_comes_first_and_the_clients_own_after_it()
    {
        var sent = await SendToProfileAsync("""{"messages":[{"role":"system","content":"mine"},{"role":"user","content":"hi"}]}""");

        var messages = sent.GetProperty("messages").EnumerateArray().Select(message => (message.GetProperty("role").GetString(), message.GetProperty("content").GetString()));
        Assert.Equal([("system", "Be \"brief\"\nand kind 😀"), ("system", "mine"), ("user", "hi")], messages);
    }

    [Theory]
    [InlineData("staging", "model-of-staging", 0.75)]
    [InlineData("STAGING", "model-of-staging", 0.75)]
    [InlineData("production", "base-model", 0.25)]
    public async Task The_environments_overlay_goes_before_the_agent(string environment, string model, double temperature)
    {
        await using var provider = Hello();
        await using var gateway = await new GatewayUnderTest().InProduction(provider).WithEnvironment(environment)
            .WithAgents("""{"default":{"provider":"internal"},"agents":{"writer":{"model_name":"base-model","temperature":0.25,"environments":{"staging":{"model_name":"model-of-staging","temperature":0.75}}}}}""")
            .StartAsync();

        using var response = await gateway.SendAsync(Chat, Body(null), Authorized, ("X-Agent-Profile", "writer"));

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(model, SentModel(provider));
        Assert.Equal(temperature, provider.Requests[0].Json().GetProperty("temperature").GetDouble());
    }

    [Fact]
    public async Task Each_provider_gets_its_own_key_and_never_anothers()
    {
        var canaries = new Canaries();
        string[] names = ["internal", "openai", "openrouter", "acme", "other"];
        var keys = names.ToDictionary(name => name, name => canaries.New("sk-" + name));
        var client = canaries.New("sk-gw-client");
        var ticket = canaries.New("ticket");
        var providers = names.ToDictionary(name => name, _ => ScriptedProvider.OpenAi().AlwaysAnswers(_ => Script.Json(OpenAiReplies.Error("down"), 500)));
        providers["other"].AlwaysAnswers(_ => Script.Json(OpenAiReplies.Completion("hi")));
        try
        {
            foreach (var (name, provider) in providers)
            {
                provider.ForbidsSecrets([.. canaries.Except(keys[name]).Where(secret => name != "internal" || secret != ticket)]);
            }

            await using var gateway = await new GatewayUnderTest().InProduction(providers["internal"], client)
                .WithVariable("INTERNAL_LLM_API_KEY", keys["internal"]).WithVariable("INTERNAL_LLM_TICKET", ticket)
                .WithVariable("OPENAI_API_KEY", keys["openai"]).WithVariable("OPENROUTER_API_KEY", keys["openrouter"])
                .WithVariable("ACME_KEY", keys["acme"]).WithVariable("OTHER_KEY", keys["other"])
                .WithVariable("LLM_MAX_RETRIES", "10").WithVariable("LLM_DEBUG", "true")
                .WithAgents("""
                    {"agents":{"writer":{"fallbacks":[{"provider":"openai","model_name":"m"},{"provider":"openrouter","model_name":"m"},{"provider":"acme","model_name":"m"},
                    {"provider":"other","model_name":"m","api_key_env":"OTHER_KEY"}]}},"fallback_settings":{"max_retries":10}}
                    """)
                .WithSettings($$"""
                    providers:
                      openai: { base_url: {{providers["openai"].BaseUrl}} }
                      openrouter: { base_url: {{providers["openrouter"].BaseUrl}}/api/v1 }
                      acme: { base_url: {{providers["acme"].BaseUrl}}, api_key: "${ACME_KEY}" }
                      other: { base_url: {{providers["other"].BaseUrl}} }
                    """)
                .StartAsync();
            providers["openrouter"].Always("POST /api/v1/chat/completions", _ => Script.Json(OpenAiReplies.Error("down"), 500));

            using var response = await gateway.SendAsync(Chat, Body(null), ("Authorization", "Bearer " + client), ("X-Agent-Profile", "writer"));

            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
            Assert.All(names, name => Assert.Equal("Bearer " + keys[name], Assert.Single(providers[name].Requests).Header("Authorization")));
            Assert.Equal(ticket, providers["internal"].Requests[0].Header("x-dep-ticket"));
            canaries.AssertNoCanary(response.ToString() + await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
            await gateway.StopAsync();
            canaries.AssertNoCanary(gateway.Log.Text);
        }
        finally
        {
            foreach (var provider in providers.Values)
            {
                await provider.DisposeAsync();
            }
        }
    }

    private static string Unsupported(string field, string? code) => JsonSerializer.Serialize(
        new { error = new { message = $"Unsupported parameter: '{field}' is not supported with this model.", type = "invalid_request_error", param = field, code } });

    private static string Body(string? model) => model is null ? "{" + Messages + "}" : $$"""{"model":{{JsonSerializer.Serialize(model)}},{{Messages}}}""";

    private static string? SentModel(ScriptedProvider provider) => provider.Requests.Single().Json().GetProperty("model").GetString();

    private static ScriptedProvider Hello() => ScriptedProvider.OpenAi().AlwaysAnswers(_ => Script.Json(OpenAiReplies.Completion("hi")));

    private static async Task<JsonElement> SendToProfileAsync(string body)
    {
        await using var provider = ScriptedProvider.OpenAi().AlwaysAnswers(_ => Script.Json(OpenAiReplies.Completion("{}")));
        await using var gateway = await new GatewayUnderTest().InProduction(provider)
            .WithAgents("""
                {"default":{"provider":"internal","top_p":0.5},"agents":{"writer":{"model_name":"profile-model","temperature":0.25,"max_tokens":77,"seed":5,"stop":["END"],"response_format":"json",
                "system_prompt":"Be \"brief\"\nand kind 😀"}}}
                """)
            .StartAsync();

        using var response = await gateway.SendAsync(Chat, body, Authorized, ("X-Agent-Profile", "writer"));

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return provider.Requests.Single().Json();
    }
}
