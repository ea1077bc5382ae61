using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using LlmGateway.FunctionalTests.Infrastructure;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace LlmGateway.FunctionalTests;

/// <summary>A provider that is spoken to in HTTP/2 (<c>http_version: "2"</c>): what it has not taken goes to it again, what it breaks off is told once.</summary>
public sealed class Http2ProviderTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static TheoryData<bool, int, string> ResetsBeforeToken()
    {
        var data = new TheoryData<bool, int, string>();
        foreach (var error in (int[])[Http2Frame.Cancel, Http2Frame.InternalError, Http2Frame.NoError])
        {
            data.Add(false, error, "before the head");
            data.Add(false, error, "after the head");
            data.Add(true, error, "before the head");
            data.Add(true, error, "after the head");
            data.Add(true, error, "after the role");
        }

        return data;
    }

    [Fact]
    public async Task Whole_and_streamed_answers_share_a_connection()
    {
        await using var provider = new Http2Provider();
        await using var stage = await StageAsync(provider);

        (await stage.AskAsync(isStreaming: false)).AssertAnswered("Well met");
        (await stage.AskAsync(isStreaming: true)).AssertAnswered("Well met");

        Assert.Equal(1, provider.ConnectionCount);
        Assert.Equal([1, 3], provider.Calls.Select(call => call.StreamId));
        Assert.All(provider.Calls, call => Assert.Contains("Bearer " + stage.FirstKey, call.Head, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Call_that_a_goaway_leaves_out_is_sent_again(bool isStreaming)
    {
        await using var provider = new Http2Provider().Answers(async call =>
        {
            await call.BodyRead;
            await call.Connection.GoAwayAsync(lastStreamId: 0);
        });
        await using var stage = await StageAsync(provider);

        var answer = await stage.AskAsync(isStreaming);

        await AssertSentAgainAsync(stage, answer, provider);
        Assert.Equal(2, provider.ConnectionCount);
    }

    [Theory]
    [InlineData(false, 100)]
    [InlineData(true, 100)]
    [InlineData(false, 1_000_000)]
    public async Task Refused_call_is_sent_again_with_all_its_body(bool isStreaming, int size)
    {
        // At the head: a large body is still on its way then.
        await using var provider = new Http2Provider().Answers(call => call.ResetAsync(Http2Frame.RefusedStream));
        await using var stage = await StageAsync(provider);

        var answer = await stage.AskAsync(ProductionStage.Body(isStreaming, new string('x', size)));

        answer.AssertAnswered("Well met");
        Assert.Equal(("1", null), (answer.Header("x-llm-attempts"), answer.Header("x-llm-fallback-reason")));
        Assert.Equal(2, provider.Calls.Count);
        Assert.Contains(new string('x', size) + "\"}", Encoding.UTF8.GetString(provider.Calls[1].Body), StringComparison.Ordinal);
        Assert.Empty(stage.Second.Requests);
    }

    [Fact]
    public async Task Provider_that_refuses_every_call_is_given_up()
    {
        static Task Refuse(Http2Call call) => call.ResetAsync(Http2Frame.RefusedStream);
        await using var provider = new Http2Provider().Answers([.. Enumerable.Repeat<Func<Http2Call, Task>>(Refuse, 20)]);
        await using var stage = await StageAsync(provider);
        stage.Second.Answers(OpenAiReplies.Stream("Well met"));

        var answer = await stage.AskAsync(isStreaming: true);

        answer.AssertAnswered("Well met");
        Assert.Equal(("2", "connection", "backup"), (answer.Header("x-llm-attempts"), answer.Header("x-llm-fallback-reason"), answer.Header("x-llm-provider")));
        Assert.InRange(provider.Calls.Count, 2, 5);
    }

    [Fact]
    public async Task Stream_under_way_outlives_a_goaway_and_the_next_call_gets_a_connection_of_its_own()
    {
        var gate = new Gate();
        await using var provider = new Http2Provider().Answers(
            async call =>
            {
                await call.BeginStreamAsync("one");
                await call.WaitForAsync(gate);
                await call.FinishStreamAsync();
            },
            async call =>
            {
                await call.BodyRead;
                await call.Connection.GoAwayAsync(lastStreamId: 1);
            });
        await using var stage = await StageAsync(provider);
        using var running = await stage.OpenAsync(ProductionStage.Body(isStreaming: true));
        await gate.Reached;

        var next = await stage.AskAsync(isStreaming: true);
        gate.Release();
        var first = await ChatAnswer.ReadAsync(running);

        next.AssertAnswered("Well met");
        Assert.Equal(("1", null), (next.Header("x-llm-attempts"), next.Header("x-llm-fallback-reason")));
        first.AssertAnswered("one");
        Assert.Equal(2, provider.ConnectionCount);
        Assert.Equal([1, 3, 1], provider.Calls.Select(call => call.StreamId));
    }

    [Theory]
    [MemberData(nameof(ResetsBeforeToken))]
    public async Task Reset_before_the_first_token_falls_back(bool isStreaming, int error, string moment)
    {
        await using var provider = new Http2Provider().Answers(async call =>
        {
            await call.BodyRead;
            if (moment != "before the head")
            {
                await call.HeadAsync(200, isStreaming ? "text/event-stream" : "application/json");
            }

            if (moment == "after the role")
            {
                await call.EventAsync(OpenAiReplies.RoleChunk());
            }

            await call.ResetAsync(error);
        });
        await using var stage = await StageAsync(provider);
        stage.Second.Answers(ProductionStage.Answer(isStreaming));

        var answer = await stage.AskAsync(isStreaming);

        answer.AssertAnswered("Well met");
        Assert.Equal(("2", "connection", "backup"), (answer.Header("x-llm-attempts"), answer.Header("x-llm-fallback-reason"), answer.Header("x-llm-provider")));
        Assert.Single(provider.Calls);
    }

    [Theory]
    [InlineData(Http2Frame.Cancel)]
    [InlineData(Http2Frame.InternalError)]
    [InlineData(Http2Frame.RefusedStream)]
    public async Task Reset_after_content_ends_the_stream_with_one_error_event(int error)
    {
        var gate = new Gate();
        await using var provider = new Http2Provider().Answers(async call =>
        {
            await call.BeginStreamAsync("Hello");
            await call.WaitForAsync(gate);
            await call.ResetAsync(error);
        });
        await using var stage = await StageAsync(provider);

        using var response = await stage.OpenAsync(ProductionStage.Body(isStreaming: true));
        gate.Release();
        var answer = await ChatAnswer.ReadAsync(response);

        await AssertCutAsync(stage, answer);
        (await stage.AskAsync(isStreaming: true)).AssertAnswered("Well met");
        Assert.Equal((1, 2), (provider.ConnectionCount, provider.Calls.Count));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Cut_connection_ends_each_of_its_streams_with_one_error_event(bool withReset)
    {
        var gates = new[] { new Gate(), new Gate() };
        await using var provider = new Http2Provider().Answers(
            call => call.AnswerAsync(),
            async call =>
            {
                await call.BeginStreamAsync("Hello");
                await call.WaitForAsync(gates[0]);
            },
            async call =>
            {
                await call.BeginStreamAsync("Hello");
                await call.WaitForAsync(gates[1]);
                call.Connection.Cut(withReset);
            });
        await using var stage = await StageAsync(provider);
        (await stage.AskAsync(isStreaming: false)).AssertAnswered("Well met");
        using var first = await stage.OpenAsync(ProductionStage.Body(isStreaming: true));
        await gates[0].Reached;
        using var second = await stage.OpenAsync(ProductionStage.Body(isStreaming: true));
        await gates[1].Reached;
        Assert.Equal(1, provider.ConnectionCount);

        gates[1].Release();
        gates[0].Release();

        (await ChatAnswer.ReadAsync(first)).AssertBroken("Hello");
        (await ChatAnswer.ReadAsync(second)).AssertBroken("Hello");
        Assert.Empty(stage.Second.Requests);
        (await stage.AskAsync(isStreaming: true)).AssertAnswered("Well met");
        Assert.Equal(2, provider.ConnectionCount);
    }

    [Fact]
    public async Task Provider_that_takes_one_call_on_a_connection_gets_as_many_connections_as_calls()
    {
        // HttpClient learns the limit with a connection's first frame, and sends what is refused until then three times more.
        const int Calls = 4;
        var arrived = 0;
        var all = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var provider = new Http2Provider(maxStreams: 1).Answers(
        [
            call => call.AnswerAsync(),
            .. Enumerable.Repeat<Func<Http2Call, Task>>(
                async call =>
                {
                    if (Interlocked.Increment(ref arrived) == Calls)
                    {
                        all.SetResult();
                    }

                    await all.Task.WaitAsync(Eventually.DefaultLimit);
                    await call.AnswerAsync();
                },
                Calls),
        ]);
        await using var stage = await StageAsync(provider);
        (await stage.AskAsync(isStreaming: false)).AssertAnswered("Well met");

        var answers = await Task.WhenAll(Enumerable.Range(0, Calls).Select(i => stage.AskAsync(isStreaming: i % 2 == 0)));

        Assert.All(answers, answer => answer.AssertAnswered("Well met"));
        Assert.All(answers, answer => Assert.Equal("1", answer.Header("x-llm-attempts")));
        Assert.Equal((Calls, Calls + 1), (provider.Calls.Skip(1).Select(call => call.Connection).Distinct().Count(), provider.Calls.Count));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Client_that_leaves_resets_its_call_and_no_other(bool beforeTheHead)
    {
        var gate = new Gate();
        await using var provider = new Http2Provider().Answers(
            call => call.AnswerAsync(),
            async call =>
            {
                await (beforeTheHead ? call.BodyRead : call.BeginStreamAsync("one"));
                await call.WaitForAsync(gate);
            });
        await using var stage = await StageAsync(provider);
        (await stage.AskAsync(isStreaming: true)).AssertAnswered("Well met");
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await LeavingClient.ConnectAsync(socket, stage);
        await LeavingClient.SendAsync(socket, stage, ProductionStage.Body(isStreaming: true));
        await gate.Reached;
        if (!beforeTheHead)
        {
            Assert.NotEqual(0, await socket.ReceiveAsync(new byte[100], Cancellation));
        }

        var left = Stopwatch.GetTimestamp();
        LeavingClient.Reset(socket);

        Assert.InRange(Stopwatch.GetElapsedTime(left, await provider.Calls[1].WaitForCancelAsync()), TimeSpan.Zero, TimeSpan.FromMilliseconds(500));
        gate.Release();
        Assert.Equal(1, provider.ResetCount);
        (await stage.AskAsync(isStreaming: true)).AssertAnswered("Well met");
        Assert.Equal((1, 3), (provider.ConnectionCount, provider.Calls.Count));
        Assert.Equal(499L, (await stage.Ledger.WaitForRequestsAsync(3))[1]["status"]);
    }

    /// <summary>The frame that ends a stream comes after <c>[DONE]</c>, which is all that the client waits for. Servers count resets, and close the connection on who sends many.</summary>
    [Fact]
    public async Task Stream_that_ends_after_its_last_event_is_not_reset()
    {
        var gate = new Gate();
        await using var provider = new Http2Provider().Answers(async call =>
        {
            await call.BeginStreamAsync();
            await call.FinishEventsAsync();
            await call.WaitForAsync(gate);
            await call.EndAsync();
        });
        await using var stage = await StageAsync(provider, gateway => gateway.WithServices(services => services.AddSingleton<TimeProvider>(new SpeededTime(0.05))));

        (await stage.AskAsync(isStreaming: true)).AssertAnswered("Well met");
        gate.Release();
        (await stage.AskAsync(isStreaming: true)).AssertAnswered("Well met");

        Assert.Equal((0, 1, 2), (provider.ResetCount, provider.ConnectionCount, provider.Calls.Count));
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(true, true)]
    public async Task A_kept_open_connection_that_dies_costs_a_silent_resend(bool isStreaming, bool withReset)
    {
        await using var provider = new Http2Provider().Answers(
            call => call.AnswerAsync(),
            async call =>
            {
                await call.BodyRead;
                call.Connection.Cut(withReset);
            },
            call => call.AnswerAsync("again"));
        await using var stage = await StageAsync(provider);
        (await stage.AskAsync(isStreaming)).AssertAnswered("Well met");

        var answer = await stage.AskAsync(isStreaming);

        answer.AssertAnswered("again");
        Assert.Equal(("1", "internal", null), (answer.Header("x-llm-attempts"), answer.Header("x-llm-provider"), answer.Header("x-llm-fallback-reason")));
        Assert.Equal((3, 2), (provider.Calls.Count, provider.ConnectionCount));
        Assert.Equal(provider.Calls[1].Body, provider.Calls[2].Body);
        Assert.Single(stage.Ledger.Attempts((await stage.Ledger.WaitForRequestsAsync(2))[1]));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_new_connection_that_dies_is_a_failure(bool withReset)
    {
        await using var provider = new Http2Provider().Answers(async call =>
        {
            await call.BodyRead;
            call.Connection.Cut(withReset);
        });
        await using var stage = await StageAsync(provider);
        stage.Second.Answers(ProductionStage.Answer(isStreaming: false));

        var answer = await stage.AskAsync(isStreaming: false);

        answer.AssertAnswered("Well met");
        Assert.Equal(("2", "connection"), (answer.Header("x-llm-attempts"), answer.Header("x-llm-fallback-reason")));
        Assert.Single(provider.Calls);
    }

    [Fact]
    public async Task Passed_on_paths_speak_it_too()
    {
        await using var provider = new Http2Provider().Answers(AnswerFileAsync);
        await using var stage = await StageAsync(provider);
        using var request = stage.Gateway.Post("/v1/files", """{"a":1}""", ("Authorization", "Bearer " + stage.ClientKey));

        using var response = await stage.Gateway.Client.SendAsync(request, Cancellation);

        Assert.Equal((HttpStatusCode.OK, """{"id":"f"}"""), (response.StatusCode, await response.Content.ReadAsStringAsync(Cancellation)));
        var call = Assert.Single(provider.Calls);
        Assert.Contains("/v1/files", call.Head, StringComparison.Ordinal);
        Assert.Equal("""{"a":1}""", Encoding.UTF8.GetString(call.Body));
    }

    /// <summary>What is passed on is not kept: once it has been sent, there is nothing left to send again.</summary>
    [Theory]
    [InlineData(7)]
    [InlineData(1_000_000)]
    public async Task Passed_on_call_that_is_refused_is_an_error(int size)
    {
        static Task RefuseFiles(Http2Call call) =>
            call.Head.Contains("/v1/files", StringComparison.Ordinal) ? call.ResetAsync(Http2Frame.RefusedStream) : call.AnswerAsync();
        await using var provider = new Http2Provider().Answers([.. Enumerable.Repeat<Func<Http2Call, Task>>(RefuseFiles, 20)]);
        await using var stage = await StageAsync(provider);
        using var request = stage.Gateway.Post("/v1/files", new string('x', size), ("Authorization", "Bearer " + stage.ClientKey));

        using var response = await stage.Gateway.Client.SendAsync(request, Cancellation);

        var error = await OpenAiError.ReadAsync(response);
        Assert.Equal((502, "api_error", "all_providers_failed"), (error.Status, error.Type, error.Code));
        Assert.InRange(provider.Calls.Count, 1, 5);
        (await stage.AskAsync(isStreaming: true)).AssertAnswered("Well met");
    }

    /// <summary>No piece of an upload waits in the gateway for the next one: the client sends that only when the provider has this.</summary>
    [Fact]
    public async Task Upload_is_passed_on_piece_by_piece()
    {
        const int Pieces = 5;
        await using var provider = new Http2Provider().Answers(AnswerFileAsync);
        await using var stage = await StageAsync(provider);
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/files") { Content = new SteppedContent(Pieces, SeenAsync) };
        request.Headers.TryAddWithoutValidation("Authorization", "Bearer " + stage.ClientKey);

        using var response = await stage.Gateway.Client.SendAsync(request, Cancellation);

        Assert.Equal((HttpStatusCode.OK, """{"id":"f"}"""), (response.StatusCode, await response.Content.ReadAsStringAsync(Cancellation)));
        Assert.Equal("xxxxx", Encoding.UTF8.GetString(Assert.Single(provider.Calls).Body));

        Task SeenAsync(int count) => Eventually.TrueAsync(() => provider.Calls.Count == 1 && provider.Calls[0].Body.Length == count, $"piece {count} to come");
    }

    /// <summary>An upload of which the rest is still to come when the provider gives it up: the answer is there at once, and the client's connection goes on behind it.</summary>
    [Fact]
    public async Task Upload_that_is_reset_halfway_leaves_the_clients_connection_in_order()
    {
        const int Half = 1000;
        await using var provider = new Http2Provider().Answers(async call =>
        {
            await Eventually.TrueAsync(() => call.Body.Length == Half, "the first half to come");
            await call.ResetAsync(Http2Frame.InternalError);
        });
        await using var stage = await StageAsync(provider);
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await LeavingClient.ConnectAsync(socket, stage);
        var authority = stage.Gateway.Client.BaseAddress!.Authority;
        var half = new string('x', Half);

        var refused = await AskAsync($"POST /v1/files HTTP/1.1\r\nHost: {authority}\r\nAuthorization: Bearer {stage.ClientKey}\r\nContent-Type: application/json\r\nContent-Length: {2 * Half}\r\n\r\n{half}");
        var models = await AskAsync($"{half}GET /v1/models HTTP/1.1\r\nHost: {authority}\r\nAuthorization: Bearer {stage.ClientKey}\r\n\r\n");

        Assert.StartsWith("HTTP/1.1 502 ", refused);
        Assert.StartsWith("HTTP/1.1 200 ", models);
        Assert.Single(provider.Calls);

        async Task<string> AskAsync(string text)
        {
            await socket.SendAsync(Encoding.Latin1.GetBytes(text), Cancellation);
            var (answer, buffer) = ("", new byte[4096]);
            while (!answer.EndsWith('}'))
            {
                var count = await socket.ReceiveAsync(buffer, Cancellation).AsTask().WaitAsync(Eventually.DefaultLimit, Cancellation);
                Assert.True(count > 0, "closed after: " + answer);
                answer += Encoding.Latin1.GetString(buffer, 0, count);
            }

            return answer;
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Server_that_speaks_only_the_old_version_is_a_failure_that_falls_back(bool isStreaming)
    {
        await using var provider = new PlainProvider();
        await using var stage = await ProductionStage.StartAsync(configure: stage => stage.Gateway
            .WithVariable("INTERNAL_LLM_BASE_URL", provider.BaseUrl + "/v1")
            .WithSettings(ProductionStage.Settings(stage.Second.BaseUrl, more: "  internal: { http_version: \"2\" }")));
        stage.Second.Answers(ProductionStage.Answer(isStreaming));

        var answer = await stage.AskAsync(isStreaming);

        answer.AssertAnswered("Well met");
        Assert.Equal(("2", "connection", "backup"), (answer.Header("x-llm-attempts"), answer.Header("x-llm-fallback-reason"), answer.Header("x-llm-provider")));
        Assert.Equal(0, provider.Answered);
    }

    // A process of its own, because only that can be given a certificate to trust.
    [Theory]
    [InlineData(HttpProtocols.Http1AndHttp2, "HTTP/2")]
    [InlineData(HttpProtocols.Http1, "HTTP/1.1")]
    public async Task Over_tls_the_version_is_negotiated(HttpProtocols spoken, string expected)
    {
        using var folder = new GatewayFolder();
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        var certificateRequest = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        certificateRequest.CertificateExtensions.Add(names.Build());
        certificateRequest.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: false, 0, critical: true));
        using var certificate = certificateRequest.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        var trusted = Path.Combine(folder.Path, "trusted.pem");
        await File.WriteAllTextAsync(trusted, certificate.ExportCertificatePem(), Cancellation);
        var seen = new ConcurrentQueue<string>();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration().ConfigureKestrel(server => server.Listen(IPAddress.Loopback, 0, listen =>
        {
            listen.Protocols = spoken;
            listen.UseHttps(certificate);
        }));
        await using var server = builder.Build();
        server.MapPost("/v1/chat/completions", context =>
        {
            seen.Enqueue(context.Request.Protocol);
            context.Response.ContentType = "application/json";
            return context.Response.WriteAsync(OpenAiReplies.Completion("Well met"));
        });
        await server.StartAsync(Cancellation);
        folder.Rewrite(GatewayFolder.Settings, "providers: { internal: { http_version: \"2\" } }");
        await using var gateway = GatewayProcess.Start(
            folder,
            ["--urls", "http://127.0.0.1:0"],
            ("ENVIRONMENT", "production"), ("INTERNAL_LLM_BASE_URL", $"https://localhost:{new Uri(server.Urls.First()).Port}/v1"), ("INTERNAL_LLM_MODEL", "m"), ("GATEWAY_AUTH", "none"),
            ("SSL_CERT_FILE", trusted));
        await gateway.WaitForStartAsync();
        using var content = new StringContent(ProductionStage.Body(isStreaming: false), Encoding.UTF8, "application/json");

        using var response = await gateway.Client.PostAsync(new Uri(ProductionStage.Path, UriKind.Relative), content, Cancellation);

        (await ChatAnswer.ReadAsync(response)).AssertAnswered("Well met");
        Assert.Equal([expected], seen);
        Assert.Equal(0, await gateway.TerminateAsync());
    }

    private static Task<ProductionStage> StageAsync(Http2Provider provider, Action<GatewayUnderTest>? configure = null) => ProductionStage.StartAsync(configure: stage =>
    {
        stage.Gateway
            .WithVariable("INTERNAL_LLM_BASE_URL", provider.BaseUrl + "/v1")
            .WithSettings(ProductionStage.Settings(stage.Second.BaseUrl, more: "  internal: { http_version: \"2\" }"));
        configure?.Invoke(stage.Gateway);
    });

    private static async Task AssertSentAgainAsync(ProductionStage stage, ChatAnswer answer, Http2Provider provider)
    {
        answer.AssertAnswered("Well met");
        Assert.Equal(("1", "internal", null), (answer.Header("x-llm-attempts"), answer.Header("x-llm-provider"), answer.Header("x-llm-fallback-reason")));
        Assert.Equal(2, provider.Calls.Count);
        Assert.Equal(provider.Calls[0].Body, provider.Calls[1].Body);
        Assert.Empty(stage.Second.Requests);
        Assert.Single(stage.Ledger.Attempts(Assert.Single(await stage.Ledger.WaitForRequestsAsync(1))));
    }

    private static async Task AssertCutAsync(ProductionStage stage, ChatAnswer answer)
    {
        answer.AssertBroken("Hello");
        Assert.Contains("(connection)", answer.ErrorMessage, StringComparison.Ordinal);
        Assert.Empty(stage.Second.Requests);
        var attempt = Assert.Single(stage.Ledger.Attempts(Assert.Single(await stage.Ledger.WaitForRequestsAsync(1))));
        Assert.Equal(("connection", "estimated"), (attempt["outcome"], attempt["source"]));
    }

    /// <summary>Reads the whole upload and answers with the file's id.</summary>
    private static async Task AnswerFileAsync(Http2Call call)
    {
        await call.BodyRead;
        await call.HeadAsync(200, "application/json");
        await call.DataAsync("""{"id":"f"}""");
        await call.EndAsync();
    }

    /// <summary>Bytes sent one by one, each when what came before it has arrived.</summary>
    private sealed class SteppedContent(int pieces, Func<int, Task> seen) : HttpContent
    {
        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            for (var sent = 0; sent < pieces;)
            {
                await stream.WriteAsync("x"u8.ToArray());
                await stream.FlushAsync();
                await seen(++sent);
            }
        }

        protected override bool TryComputeLength(out long length)
        {
            length = pieces;
            return true;
        }
    }
}
