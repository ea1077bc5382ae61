using LlmGateway.FunctionalTests.Infrastructure;

namespace LlmGateway.FunctionalTests;

/// <summary>Before the first token another target may answer: in which order, how often, after which failures, with which key.</summary>
public sealed class FallbackTests
{
    public static TheoryData<bool, int, string> FailuresThatGoOn()
    {
        (int Status, string Reason)[] failures =
        [
            (401, "auth"), (402, "auth"), (403, "auth"), (404, "model_unavailable"), (408, "timeout"), (409, "server_error"), (429, "rate_limit"),
            (500, "server_error"), (502, "server_error"), (503, "server_error"), (504, "server_error"), (529, "server_error"),
            (99, "invalid_response"), (204, "invalid_response"), (301, "invalid_response"), (307, "invalid_response"), (418, "invalid_response"), (999, "invalid_response"),
        ];
        var data = new TheoryData<bool, int, string>();
        foreach (var (status, reason) in failures)
        {
            data.Add(false, status, reason);
            data.Add(true, status, reason);
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(FailuresThatGoOn))]
    public async Task The_next_target_answers_when_the_first_fails(bool isStreaming, int status, string reason)
    {
        await using var stage = await ProductionStage.StartAsync();
        stage.First.Answers(Script.Json(status == 204 ? "" : OpenAiReplies.Error("no"), status));
        stage.Second.Answers(ProductionStage.Answer(isStreaming));

        var answer = await stage.AskAsync(isStreaming);

        answer.AssertAnswered("Well met");
        Assert.Equal(("backup", "backup-model", "2", reason), (answer.Header("x-llm-provider"), answer.Header("x-llm-model"), answer.Header("x-llm-attempts"), answer.Header("x-llm-fallback-reason")));
        Assert.Null(answer.Header("x-should-retry"));
        var (first, second) = (Assert.Single(stage.First.Requests), Assert.Single(stage.Second.Requests));
        Assert.Equal(("Bearer " + stage.FirstKey, "Bearer " + stage.SecondKey), (first.Header("authorization"), second.Header("authorization")));
        Assert.Equal(("internal-model", "backup-model"), (first.Json().GetProperty("model").GetString(), second.Json().GetProperty("model").GetString()));
        Assert.Null(second.Header("x-dep-ticket"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_next_target_answers_when_nobody_listens_at_the_first(bool isStreaming)
    {
        using var port = new ClosedPort();
        await using var stage = await ProductionStage.StartAsync(configure: stage => stage.Gateway.WithVariable("INTERNAL_LLM_BASE_URL", port.BaseUrl));
        stage.Second.Answers(ProductionStage.Answer(isStreaming));

        var answer = await stage.AskAsync(isStreaming);

        answer.AssertAnswered("Well met");
        Assert.Equal(("connection", "2"), (answer.Header("x-llm-fallback-reason"), answer.Header("x-llm-attempts")));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_next_target_answers_when_the_firsts_name_is_unknown(bool isStreaming)
    {
        await using var stage = await ProductionStage.StartAsync(configure: stage => stage.Gateway.WithVariable("INTERNAL_LLM_BASE_URL", "http://nobody.invalid"));
        stage.Second.Answers(ProductionStage.Answer(isStreaming));

        var answer = await stage.AskAsync(isStreaming);

        answer.AssertAnswered("Well met");
        Assert.Equal("connection", answer.Header("x-llm-fallback-reason"));
    }

    [Theory]
    [InlineData(false, 400)]
    [InlineData(true, 400)]
    [InlineData(false, 413)]
    [InlineData(true, 413)]
    [InlineData(false, 422)]
    [InlineData(true, 422)]
    public async Task The_clients_own_fault_is_passed_on_and_not_retried(bool isStreaming, int status)
    {
        await using var stage = await ProductionStage.StartAsync();
        stage.First.Answers(Script.Json(
            """{"error":{"message":"'messages[0].name' is too long","type":"invalid_request_error","param":"messages[0].name","code":"string_above_max_length"}}""", status));

        var answer = await stage.AskAsync(isStreaming);

        answer.AssertError(status, "string_above_max_length");
        Assert.Equal("'messages[0].name' is too long", answer.ErrorMessage);
        Assert.Equal(("invalid_request_error", "messages[0].name"), (answer.Error.GetProperty("type").GetString(), answer.Error.GetProperty("param").GetString()));
        Assert.Equal(("false", "1", "internal"), (answer.Header("x-should-retry"), answer.Header("x-llm-attempts"), answer.Header("x-llm-provider")));
        Assert.Null(answer.Header("x-llm-fallback-reason"));
        Assert.Empty(stage.Second.Requests);
    }

    [Theory]
    [InlineData(false, "context_length_exceeded", "context_length")]
    [InlineData(true, "context_length_exceeded", "context_length")]
    [InlineData(false, "content_filter", "content_filter")]
    [InlineData(true, "content_filter", "content_filter")]
    public async Task A_prompt_that_one_target_refuses_goes_on_to_the_next(bool isStreaming, string code, string reason)
    {
        await using var stage = await ProductionStage.StartAsync();
        stage.First.Answers(Script.Json(OpenAiReplies.Error("refused", "invalid_request_error", code), 400));
        stage.Second.Answers(ProductionStage.Answer(isStreaming));

        var answer = await stage.AskAsync(isStreaming);

        answer.AssertAnswered("Well met");
        Assert.Equal(reason, answer.Header("x-llm-fallback-reason"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_answer_that_the_filter_cut_short_is_an_answer(bool isStreaming)
    {
        await using var stage = await ProductionStage.StartAsync();
        stage.First.Answers(isStreaming
            ? Script.Sse(OpenAiReplies.RoleChunk(), OpenAiReplies.FinishChunk("content_filter")).Done()
            : Script.Json(OpenAiReplies.Completion("").Replace("\"stop\"", "\"content_filter\"", StringComparison.Ordinal)));

        var answer = await stage.AskAsync(isStreaming);

        answer.AssertAnswered("");
        Assert.Contains("content_filter", answer.Body, StringComparison.Ordinal);
        Assert.Empty(stage.Second.Requests);
    }

    [Fact]
    public async Task A_profiles_own_fallbacks_stand_in_for_the_common_ones()
    {
        await using var stage = await ProductionStage.StartAsync(ProductionStage.Agents(agents:
            """ "own": { "fallbacks": [ { "provider": "backup", "model_name": "own-one" }, { "provider": "backup", "model_name": "own-two" } ] }"""));
        stage.First.Answers(Script.Json("{}", 500), Script.Json("{}", 500));
        stage.Second.Answers(Script.Json("{}", 500), Script.Json("{}", 500), Script.Json("{}", 500));

        (await stage.AskAsync(ProductionStage.Body(false), ("X-Agent-Profile", "own"))).AssertError(502, "all_providers_failed");
        (await stage.AskAsync(isStreaming: false)).AssertError(502, "all_providers_failed");

        Assert.Equal(["own-one", "own-two", "backup-model"], stage.Second.Requests.Select(request => request.Json().GetProperty("model").GetString()));
    }

    [Fact]
    public async Task The_last_target_is_Ollama_if_its_address_is_set()
    {
        using var port = new ClosedPort();
        await using var with = await ProductionStage.StartAsync(configure: stage => stage.Gateway.WithVariable("OLLAMA_BASE_URL", port.BaseUrl).WithVariable("OLLAMA_MODEL", "local-model"));
        await using var without = await ProductionStage.StartAsync();
        foreach (var stage in (ProductionStage[])[with, without])
        {
            stage.First.Answers(Script.Json("{}", 500));
            stage.Second.Answers(Script.Json("{}", 503));
        }

        var (three, two) = (await with.AskAsync(isStreaming: false), await without.AskAsync(isStreaming: false));

        Assert.Equal("All providers failed: internal/internal-model: server_error (status 500); backup/backup-model: server_error (status 503); ollama/local-model: connection.", three.ErrorMessage);
        Assert.Equal("All providers failed: internal/internal-model: server_error (status 500); backup/backup-model: server_error (status 503).", two.ErrorMessage);
        Assert.Equal(("3", "2"), (three.Header("x-llm-attempts"), two.Header("x-llm-attempts")));
    }

    [Fact]
    public async Task No_fallback_follows_where_fallbacks_are_switched_off()
    {
        await using var stage = await ProductionStage.StartAsync(ProductionStage.Agents().Replace("\"enabled\": true", "\"enabled\": false", StringComparison.Ordinal));
        stage.First.Answers(Script.Json("{}", 500));

        (await stage.AskAsync(isStreaming: false)).AssertError(502, "all_providers_failed");

        Assert.Empty(stage.Second.Requests);
    }

    [Theory]
    [InlineData(null, 2, 3)]
    [InlineData("1", 3, 2)]
    [InlineData("3", 1, 2)]
    [InlineData("0", 3, 1)]
    [InlineData("3", 0, 1)]
    [InlineData(null, 3, 4)]
    public async Task The_lower_limit_bounds_the_attempts(string? variable, int setting, int attempts)
    {
        const string Fallbacks = """
            { "provider": "backup", "model_name": "a" }, { "provider": "backup", "model_name": "b" },
            { "provider": "backup", "model_name": "c" }, { "provider": "backup", "model_name": "d" }
            """;
        await using var stage = await ProductionStage.StartAsync(ProductionStage.Agents(fallback: Fallbacks, maxRetries: setting), stage =>
        {
            if (variable is not null)
            {
                stage.Gateway.WithVariable("LLM_MAX_RETRIES", variable);
            }
        });
        stage.First.Answers(Script.Json("{}", 500));
        stage.Second.AlwaysAnswers(_ => Script.Json("{}", 500));

        var answer = await stage.AskAsync(isStreaming: false);

        answer.AssertError(502, "all_providers_failed");
        Assert.Equal(attempts.ToString(System.Globalization.CultureInfo.InvariantCulture), answer.Header("x-llm-attempts"));
        Assert.Equal(attempts, stage.First.Requests.Count + stage.Second.Requests.Count);
    }

    [Theory]
    [InlineData(500, 1)]
    [InlineData(429, 2)]
    public async Task Only_the_reasons_that_a_profile_lists_go_on(int status, int attempts)
    {
        await using var stage = await ProductionStage.StartAsync(ProductionStage.Agents(defaults: "\"fallback_on\": [\"rate_limit\", \"timeout\"]"));
        stage.First.Answers(Script.Json("{}", status));
        stage.Second.AlwaysAnswers(_ => ProductionStage.Answer(false));

        var answer = await stage.AskAsync(isStreaming: false);

        Assert.Equal(attempts == 2 ? 200 : 502, answer.Status);
        Assert.Equal(attempts - 1, stage.Second.Requests.Count);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_target_without_a_key_is_skipped_and_costs_no_attempt(bool isStreaming)
    {
        const string Fallbacks = """
            { "provider": "openai", "model_name": "gpt-5", "api_key_env": "PREMIUM_KEY" }, { "provider": "backup", "model_name": "backup-model" }
            """;
        await using var stage = await ProductionStage.StartAsync(ProductionStage.Agents(fallback: Fallbacks));
        stage.First.Answers(Script.Json("{}", 500), Script.Json("{}", 500));
        stage.Second.Answers(ProductionStage.Answer(isStreaming), Script.Json("{}", 500));

        var answered = await stage.AskAsync(isStreaming);
        var failed = await stage.AskAsync(isStreaming);

        answered.AssertAnswered("Well met");
        Assert.Equal(("2", "backup"), (answered.Header("x-llm-attempts"), answered.Header("x-llm-provider")));
        failed.AssertError(502, "all_providers_failed");
        Assert.Contains("openai/gpt-5: missing_api_key", failed.ErrorMessage, StringComparison.Ordinal);
        Assert.Contains("PREMIUM_KEY", failed.ErrorMessage, StringComparison.Ordinal);
        Assert.Contains("OPENAI_API_KEY", failed.ErrorMessage, StringComparison.Ordinal);
        Assert.Equal(("2", "server_error"), (failed.Header("x-llm-attempts"), failed.Header("x-llm-fallback-reason")));
    }

    // A skipped fallback used to be told as the reason for a fallback that never happened.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_answer_of_the_first_target_tells_no_fallback_reason(bool isStreaming)
    {
        await using var stage = await ProductionStage.StartAsync(ProductionStage.Agents(fallback: """{ "provider": "openai", "model_name": "gpt-5" }"""));
        stage.First.Answers(ProductionStage.Answer(isStreaming));

        var answer = await stage.AskAsync(isStreaming);

        answer.AssertAnswered("Well met");
        Assert.Equal(("1", null), (answer.Header("x-llm-attempts"), answer.Header("x-llm-fallback-reason")));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_first_target_without_a_key_is_the_fallback_reason(bool isStreaming)
    {
        await using var stage = await ProductionStage.StartAsync(ProductionStage.Agents(agents: """ "paid": { "provider": "openai", "model_name": "gpt-5" }"""));
        stage.Second.Answers(ProductionStage.Answer(isStreaming));

        var answer = await stage.AskAsync(ProductionStage.Body(isStreaming), ("X-Agent-Profile", "paid"));

        answer.AssertAnswered("Well met");
        Assert.Equal(("1", "missing_api_key", "paid"), (answer.Header("x-llm-attempts"), answer.Header("x-llm-fallback-reason"), answer.Header("x-llm-agent")));
    }

    [Theory]
    [InlineData(false, 301)]
    [InlineData(true, 302)]
    [InlineData(false, 307)]
    [InlineData(true, 308)]
    public async Task A_redirect_is_never_followed(bool isStreaming, int status)
    {
        await using var elsewhere = ScriptedProvider.Anything();
        await using var stage = await ProductionStage.StartAloneAsync();
        stage.First.Answers(Script.Json("{}", status, ("location", elsewhere.BaseUrl + "/v1/chat/completions")));

        var answer = await stage.AskAsync(isStreaming);

        answer.AssertError(502, "all_providers_failed");
        Assert.DoesNotContain(elsewhere.BaseUrl, answer.Everything, StringComparison.Ordinal);
        Assert.Null(answer.Header("location"));
        Assert.Equal(0, elsewhere.ConnectionCount);
        Assert.Single(stage.First.Requests);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Each_attempt_is_made_afresh_from_the_clients_request(bool isStreaming)
    {
        const string Fallback = """{ "provider": "backup", "model_name": "backup-model", "temperature": 0.5 }""";
        await using var stage = await ProductionStage.StartAsync(ProductionStage.Agents(defaults: "\"temperature\": 0.1, \"max_tokens\": 77, \"system_prompt\": \"Be brief.\"", fallback: Fallback));
        stage.First.Answers(Script.Json("{}", 500));
        stage.Second.Answers(ProductionStage.Answer(isStreaming));

        var answer = await stage.AskAsync(ProductionStage.Body(isStreaming, "grüß dich 😀", ",\"x_unknown\":1.50"));

        answer.AssertAnswered("Well met");
        var (first, second) = (stage.First.Requests[0].Json(), stage.Second.Requests[0].Json());
        Assert.Equal((0.1, 0.5), (first.GetProperty("temperature").GetDouble(), second.GetProperty("temperature").GetDouble()));
        foreach (var sent in (System.Text.Json.JsonElement[])[first, second])
        {
            Assert.Equal(77, sent.GetProperty("max_tokens").GetInt32());
            Assert.Equal("1.50", sent.GetProperty("x_unknown").GetRawText());
            Assert.Equal(2, sent.GetProperty("messages").GetArrayLength());
            Assert.Equal("grüß dich 😀", sent.GetProperty("messages")[1].GetProperty("content").GetString());
        }
    }
}
