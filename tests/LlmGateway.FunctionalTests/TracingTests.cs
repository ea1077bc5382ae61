using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using LlmGateway.FunctionalTests.Infrastructure;
using Microsoft.Extensions.DependencyInjection;

namespace LlmGateway.FunctionalTests;

/// <summary>Traces: one span for the request and one for each provider call, received as a collector receives them.</summary>
public sealed class TracingTests
{
    private const string Parent = "00f067aa0ba902b7";

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_answered_request_is_a_span_below_the_clients_with_one_for_the_call(bool isStreaming)
    {
        await using var collector = await SpanCollector.StartAsync();
        await using var stage = await StartAsync(collector);
        stage.First.Answers(ProductionStage.Answer(isStreaming));
        var trace = NewTrace();

        (await stage.AskAsync(isStreaming, ("traceparent", Context(trace)), ("X-Request-Id", "the-request"))).AssertAnswered("Well met");

        var spans = await collector.WaitForTraceAsync(trace, 2);
        var (request, attempt) = (spans[0], spans[1]);
        Assert.Equal(("POST /v1/chat/completions", 2, Parent), (request.Name, request.Kind, request.ParentId));
        Assert.Equal(("chat internal-model", 3, request.SpanId), (attempt.Name, attempt.Kind, attempt.ParentId));
        AssertHas(
            request, ("http.request.method", "POST"), ("http.route", "/v1/chat/completions"), ("http.response.status_code", "200"), ("gen_ai.operation.name", "chat"),
            ("gen_ai.provider.name", "internal"), ("gen_ai.request.model", "internal-model"), ("gen_ai.usage.input_tokens", "9"), ("gen_ai.usage.output_tokens", isStreaming ? "1" : "2"),
            ("gen_ai.request.stream", isStreaming ? "true" : "false"), ("llm_gateway.request_id", "the-request"), ("llm_gateway.agent", "default"), ("llm_gateway.attempts", "1"), ("llm_gateway.key", "test"));
        AssertHas(
            attempt, ("gen_ai.operation.name", "chat"), ("gen_ai.provider.name", "internal"), ("gen_ai.request.model", "internal-model"), ("gen_ai.response.model", "internal-model"),
            ("gen_ai.usage.input_tokens", "9"), ("gen_ai.usage.output_tokens", isStreaming ? "1" : "2"), ("http.response.status_code", "200"), ("server.address", "127.0.0.1"),
            ("server.port", new Uri(stage.First.BaseUrl).Port.ToString(System.Globalization.CultureInfo.InvariantCulture)), ("llm_gateway.attempt.role", "answer"), ("llm_gateway.attempt.usage_source", "provider"));
        Assert.All(spans, span => Assert.True(!span.IsError && span["error.type"] is null));
        Assert.Equal(isStreaming, attempt.Events.Contains("first_token"));
        Assert.Equal(isStreaming, attempt["gen_ai.response.time_to_first_chunk"] is not null && request["gen_ai.response.time_to_first_chunk"] is not null);
        Assert.True(attempt.Start >= request.Start && attempt.End <= request.End && attempt.Duration > TimeSpan.Zero);
        Assert.Equal("llm-gateway", request.Resource["service.name"]);

        // The provider's own spans belong below the call's.
        Assert.Equal($"00-{trace}-{attempt.SpanId}-01", stage.First.Requests.Single().Header("traceparent"));
        var line = await stage.Gateway.Log.WaitForAsync(found => found.Message == "request", "the request line");
        Assert.Equal(trace, line["trace_id"]);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Each_attempt_of_a_fallback_has_a_span_and_only_traced_providers_learn_of_it(bool isStreaming)
    {
        await using var collector = await SpanCollector.StartAsync();
        await using var stage = await StartAsync(collector);
        stage.First.Answers(Script.Json(OpenAiReplies.Error("down"), 500));
        stage.Second.Answers(ProductionStage.Answer(isStreaming));
        var trace = NewTrace();

        (await stage.AskAsync(isStreaming, ("traceparent", Context(trace)))).AssertAnswered("Well met");

        var spans = await collector.WaitForTraceAsync(trace, 3);
        AssertHas(spans[0], ("llm_gateway.attempts", "2"), ("llm_gateway.fallback_reason", "server_error"), ("gen_ai.provider.name", "backup"), ("http.response.status_code", "200"));
        AssertHas(spans[1], ("gen_ai.provider.name", "internal"), ("error.type", "server_error"), ("http.response.status_code", "500"));
        AssertHas(spans[2], ("gen_ai.provider.name", "backup"), ("gen_ai.response.model", "backup-model"), ("http.response.status_code", "200"));
        Assert.Equal([false, true, false], spans.Select(span => span.IsError));
        Assert.Null(spans[1]["gen_ai.response.model"]);
        Assert.All(spans.Skip(1), span => Assert.Equal(spans[0].SpanId, span.ParentId));
        Assert.Equal($"00-{trace}-{spans[1].SpanId}-01", stage.First.Requests.Single().Header("traceparent"));
        Assert.Null(stage.Second.Requests.Single().Header("traceparent"));
    }

    [Fact]
    public async Task A_stream_cut_after_its_first_token_is_an_error_though_its_status_is_200()
    {
        await using var collector = await SpanCollector.StartAsync();
        await using var stage = await StartAsync(collector);
        stage.First.Answers(Script.Sse(OpenAiReplies.ContentChunk("one")).Fin());
        var trace = NewTrace();

        var answer = await stage.AskAsync(isStreaming: true, ("traceparent", Context(trace)));

        Assert.Equal("upstream_stream_error", answer.ErrorCode);
        var spans = await collector.WaitForTraceAsync(trace, 2);
        Assert.All(spans, span => Assert.True(span.IsError && span["error.type"] is { Length: > 0 } && span["http.response.status_code"] == "200"));
        AssertHas(spans[1], ("llm_gateway.attempt.usage_source", "estimated"));
        Assert.Contains("first_token", spans[1].Events);
    }

    [Fact]
    public async Task A_request_that_nobody_answered_is_an_error()
    {
        await using var collector = await SpanCollector.StartAsync();
        await using var stage = await StartAsync(collector, alone: true);
        stage.First.Answers(Script.Json(OpenAiReplies.Error("down"), 500));
        var trace = NewTrace();

        (await stage.AskAsync(isStreaming: false, ("traceparent", Context(trace)))).AssertError(502, "all_providers_failed");

        var spans = await collector.WaitForTraceAsync(trace, 2);
        AssertHas(spans[0], ("error.type", "502"), ("http.response.status_code", "502"));
        Assert.True(spans[0].IsError);
    }

    [Fact]
    public async Task A_passed_through_call_has_its_spans_too()
    {
        await using var collector = await SpanCollector.StartAsync();
        await using var provider = ScriptedProvider.Anything().On("GET /v1/files", Script.Json("""{"data":[]}"""));
        await using var gateway = await With(collector, new GatewayUnderTest().InProduction(provider)).StartAsync();
        var trace = NewTrace();
        using var request = new HttpRequestMessage(HttpMethod.Get, "/v1/files");
        request.Headers.Add("Authorization", "Bearer sk-client");
        request.Headers.Add("traceparent", Context(trace));

        using var response = await gateway.Client.SendAsync(request, TestContext.Current.CancellationToken);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        var spans = await collector.WaitForTraceAsync(trace, 2);
        Assert.Equal(("GET /v1/{**path}", spans[0].SpanId), (spans[0].Name, spans[1].ParentId));
        Assert.Equal($"00-{trace}-{spans[1].SpanId}-01", provider.Requests.Single().Header("traceparent"));
        Assert.True(spans[1].Start >= spans[0].Start && spans[1].End <= spans[0].End);
    }

    [Fact]
    public async Task Strangers_probes_and_unsampled_requests_leave_no_span()
    {
        await using var collector = await SpanCollector.StartAsync();
        await using var stage = await StartAsync(collector);
        stage.First.AlwaysAnswers(_ => ProductionStage.Answer(isStreaming: false));
        var (stranger, probe, unsampled, known) = (NewTrace(), NewTrace(), NewTrace(), NewTrace());

        using (var refused = await stage.Gateway.SendAsync(ProductionStage.Path, ProductionStage.Body(false), ("Authorization", "Bearer wrong"), ("traceparent", Context(stranger))))
        {
            Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);
        }

        using (var health = new HttpRequestMessage(HttpMethod.Get, "/health/live"))
        {
            health.Headers.Add("traceparent", Context(probe));
            (await stage.Gateway.Client.SendAsync(health, TestContext.Current.CancellationToken)).Dispose();
        }

        (await stage.AskAsync(isStreaming: false, ("traceparent", $"00-{unsampled}-{Parent}-00"))).AssertAnswered("Well met");
        (await stage.AskAsync(isStreaming: false, ("traceparent", Context(known)))).AssertAnswered("Well met");
        await collector.WaitForTraceAsync(known, 2);

        Assert.Empty(collector.Trace(stranger).Concat(collector.Trace(probe)).Concat(collector.Trace(unsampled)));
        Assert.Equal($"00-{unsampled}-{Parent}-00", stage.First.Requests[0].Header("traceparent"));
    }

    [Fact]
    public async Task Spans_also_go_out_by_grpc_with_the_collectors_key_and_the_services_name()
    {
        await using var collector = await SpanCollector.StartAsync(isGrpc: true);
        await using var stage = await StartAsync(collector, configure: gateway => gateway
            .WithVariable("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc").WithVariable("OTEL_EXPORTER_OTLP_HEADERS", "x-collector-key=k1").WithVariable("OTEL_SERVICE_NAME", "chat-edge"));
        stage.First.Answers(ProductionStage.Answer(isStreaming: false));
        var trace = NewTrace();

        (await stage.AskAsync(isStreaming: false, ("traceparent", Context(trace)))).AssertAnswered("Well met");

        var spans = await collector.WaitForTraceAsync(trace, 2);
        Assert.All(spans, span => Assert.Equal("chat-edge", span.Resource["service.name"]));
        Assert.Contains("k1", collector.Keys);
        await stage.Gateway.WaitForMetricsAsync(page => page.Sum("llm_gateway_spans_total", ("result", "exported")) >= 2, "exported spans in the metrics");
    }

    [Fact]
    public async Task A_collector_that_never_answers_costs_spans_and_no_request_anything()
    {
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        const int Requests = 40;
        await using var stage = await ProductionStage.StartAloneAsync(configure: stage => stage.Gateway
            .WithVariable("OTEL_EXPORTER_OTLP_ENDPOINT", $"http://{silent.LocalEndpoint}").WithVariable("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
            .WithVariable("OTEL_EXPORTER_OTLP_TIMEOUT", "60000").WithVariable("OTEL_BSP_SCHEDULE_DELAY", "1").WithVariable("OTEL_BSP_MAX_QUEUE_SIZE", "8").WithVariable("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "4"));
        stage.First.AlwaysAnswers(_ => ProductionStage.Answer(isStreaming: false));

        (await stage.AskAsync(isStreaming: false)).AssertAnswered("Well met");
        using var connection = await silent.AcceptTcpClientAsync(TestContext.Current.CancellationToken);
        Assert.True(await connection.GetStream().ReadAsync(new byte[1], TestContext.Current.CancellationToken) > 0);
        for (var i = 1; i < Requests; i++)
        {
            (await stage.AskAsync(isStreaming: false)).AssertAnswered("Well met");
        }

        var page = await stage.Gateway.MetricsAsync();
        Assert.True(page.Sum("llm_gateway_spans_total", ("result", "dropped")) >= (2 * Requests) - 8, "spans beyond the queue are dropped and counted");
        Assert.Equal(0, page.Sum("llm_gateway_spans_total", ("result", "exported")));
        Assert.Equal(Requests, page.Sum("llm_gateway_requests_total", ("endpoint", ProductionStage.Path), ("status", "200")));

        // It gives up at once, so that the gateway's end is not held up either.
        connection.Close();
        silent.Stop();
    }

    [Fact]
    public async Task Without_a_collector_the_clients_trace_is_in_log_and_exemplars_and_goes_on_as_it_came()
    {
        await using var stage = await ProductionStage.StartAloneAsync();
        stage.First.AlwaysAnswers(_ => ProductionStage.Answer(isStreaming: true));
        var (sampled, unsampled) = (NewTrace(), NewTrace());

        (await stage.AskAsync(isStreaming: true, ("traceparent", Context(sampled)))).AssertAnswered("Well met");
        (await stage.AskAsync(isStreaming: true, ("traceparent", $"00-{unsampled}-{Parent}-00"))).AssertAnswered("Well met");
        (await stage.AskAsync(isStreaming: true)).AssertAnswered("Well met");

        Assert.Equal([Context(sampled), $"00-{unsampled}-{Parent}-00", null], stage.First.Requests.Select(request => request.Header("traceparent")));
        await stage.Gateway.WaitForMetricsAsync(page => page.Sum("llm_gateway_requests_total", ("status", "200")) == 3, "three settled requests");
        using var scrape = new HttpRequestMessage(HttpMethod.Get, "/metrics");
        scrape.Headers.TryAddWithoutValidation("Accept", "application/openmetrics-text;version=1.0.0,text/plain;q=0.5");
        using var response = await stage.Gateway.Client.SendAsync(scrape, TestContext.Current.CancellationToken);
        var lines = (await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)).Split('\n');
        foreach (var family in (string[])["llm_gateway_request_duration_seconds", "llm_gateway_time_to_first_token_seconds", "llm_gateway_overhead_seconds"])
        {
            Assert.Contains(lines, line => line.StartsWith(family + "_bucket{", StringComparison.Ordinal) && line.Contains($" # {{trace_id=\"{sampled}\"}} ", StringComparison.Ordinal));
        }

        // Nobody keeps that trace, so that it is no example to lead to; and the older format has no place for any.
        Assert.DoesNotContain(lines, line => line.Contains(unsampled, StringComparison.Ordinal));
        Assert.DoesNotContain("trace_id", (await stage.Gateway.MetricsAsync()).Text, StringComparison.Ordinal);
        await Eventually.TrueAsync(() => stage.Gateway.Log.Lines.Count(line => line.Message == "request") == 3, "three request lines");
        Assert.Equal([sampled, unsampled, null], stage.Gateway.Log.Lines.Where(line => line.Message == "request").Select(line => line["trace_id"]));
    }

    [Fact]
    public async Task Other_lines_of_a_request_carry_its_trace_too()
    {
        await using var provider = ScriptedProvider.OpenAi();
        await using var gateway = await new GatewayUnderTest().InProduction(provider).AllowsUnhandledExceptions().WithServices(services => services.AddSingleton<TimeProvider>(new BrokenTimers())).StartAsync();
        var trace = NewTrace();

        using var response = await gateway.SendAsync(ProductionStage.Path, ProductionStage.Body(false), ("Authorization", "Bearer sk-client"), ("traceparent", Context(trace)));

        Assert.Equal(HttpStatusCode.InternalServerError, response.StatusCode);
        var line = await gateway.Log.WaitForAsync(found => found.Level == "error", "the error's line");
        Assert.Equal(trace, line["trace_id"]);
    }

    private static Task<ProductionStage> StartAsync(SpanCollector collector, bool alone = false, Func<GatewayUnderTest, GatewayUnderTest>? configure = null)
    {
        return alone ? ProductionStage.StartAloneAsync(configure: Configure) : ProductionStage.StartAsync(configure: Configure);

        void Configure(ProductionStage stage)
        {
            With(collector, stage.Gateway);
            configure?.Invoke(stage.Gateway);
        }
    }

    private static GatewayUnderTest With(SpanCollector collector, GatewayUnderTest gateway) => gateway
        .WithVariable("OTEL_EXPORTER_OTLP_ENDPOINT", collector.BaseUrl)
        .WithVariable("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
        .WithVariable("OTEL_BSP_SCHEDULE_DELAY", "5");

    /// <summary>A trace of the test's own: gateways of tests beside it send their spans to every collector of this process.</summary>
    private static string NewTrace() => RandomNumberGenerator.GetHexString(32, lowercase: true);

    private static string Context(string trace) => $"00-{trace}-{Parent}-01";

    private static void AssertHas(ReceivedSpan span, params (string Name, string Value)[] attributes) =>
        Assert.All(attributes, attribute => Assert.Equal((attribute.Name, attribute.Value), (attribute.Name, span[attribute.Name])));

    /// <summary>Works for the gateway's own loops and fails inside a traced request.</summary>
    private sealed class BrokenTimers : TimeProvider
    {
        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            Activity.Current is null ? base.CreateTimer(callback, state, dueTime, period) : throw new InvalidOperationException("The timers are broken.");
    }
}
