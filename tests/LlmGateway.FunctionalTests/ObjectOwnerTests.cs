using System.Net;
using System.Security.Cryptography;
using System.Text;
using LlmGateway.FunctionalTests.Infrastructure;

namespace LlmGateway.FunctionalTests;

/// <summary>Clients share a provider's key: what one of them has made there is not there for the others.</summary>
[Collection(nameof(SharedStoresCollection))]
public sealed class ObjectOwnerTests(PostgresServer postgres)
{
    private const string Ann = "sk-ann-canary";
    private const string Ben = "sk-ben-canary";

    /// <summary>The same owner by a newer key.</summary>
    private const string AnnsNext = "sk-ann-next-canary";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("files", "file-8hQ2xkA1", "GET /v1/files/{id}", "GET /v1/files/{id}/content", "DELETE /v1/files/{id}")]
    [InlineData("batches", "batch_67c1e9", "GET /v1/batches/{id}", "POST /v1/batches/{id}/cancel")]
    [InlineData("responses", "resp_0a1b2c", "GET /v1/responses/{id}", "GET /v1/responses/{id}/input_items?limit=2", "POST /v1/responses/{id}/cancel", "DELETE /v1/responses/{id}")]
    [InlineData("conversations", "conv_0a1b2c", "GET /v1/conversations/{id}", "POST /v1/conversations/{id}/items", "DELETE /v1/conversations/{id}/items/msg_1")]
    [InlineData("threads", "thread_aB1", "GET /v1/threads/{id}/messages/msg_1", "POST /v1/threads/{id}/runs/run_1/submit_tool_outputs", "DELETE /v1/threads/{id}/")]
    [InlineData("fine_tuning/jobs", "ftjob-1aB", "GET /v1/fine_tuning/jobs/{id}/events", "POST /v1/fine_tuning/jobs/{id}/pause")]
    [InlineData("vector_stores", "vs_1aB", "POST /v1/vector_stores/{id}/search", "GET /v1/vector_stores/{id}/files/file-1")]
    [InlineData("containers", "cntr_1aB", "GET /v1/containers/{id}/files/cfile_1/content")]
    [InlineData("videos", "video_1aB", "GET /v1/videos/{id}/content?variant=thumbnail")]
    public async Task What_one_key_has_made_another_does_not_find(string collection, string id, params string[] calls)
    {
        await using var provider = Made(collection, id);
        await using var gateway = await TwoOwners(provider).StartAsync();
        await MakeAsync(gateway, Ann, collection, id);

        foreach (var call in calls)
        {
            var (method, path) = Split(call, id);
            await AssertNotFoundAsync(gateway, Ben, method, path, provider, 1);
        }

        for (var i = 0; i < calls.Length; i++)
        {
            var (method, path) = Split(calls[i], id);
            using var own = await AskAsync(gateway, i % 2 == 0 ? Ann : AnnsNext, method, path);
            Assert.Equal(HttpStatusCode.OK, own.StatusCode);
        }

        Assert.Equal(1 + calls.Length, provider.Requests.Count);
        var row = Assert.Single(gateway.Ledger.Query("SELECT * FROM object_owners"));
        Assert.Equal((Hash(id), "ann"), (row["sha256"], row["owner"]));
    }

    [Theory]
    [InlineData("/v1/files/%66ile-8hQ2xkA1")]
    [InlineData("/v1/files/FILE-8HQ2XKA1")]
    [InlineData("/v1/files/file-8hq2xka1")]
    [InlineData("/v1/FILES/file-8hQ2xkA1/content")]
    [InlineData("/v1/files/file-8hQ2xkA1/")]
    [InlineData("/v1/files/file-8hQ2xkA1%20")]
    [InlineData("/v1/files/file-8hQ2xkA1.")]
    [InlineData("/v1/files/file-8hQ2xkA1;v=1/content")]
    [InlineData("/v1/files/file-8hQ2xkA1?x=/v1/files/mine")]
    [InlineData("/v1/anything/else/file-8hQ2xkA1")]
    public async Task However_an_id_is_written_it_is_the_same(string path)
    {
        await using var provider = Made("files", "file-8hQ2xkA1");
        await using var gateway = await TwoOwners(provider).StartAsync();
        await MakeAsync(gateway, Ann, "files", "file-8hQ2xkA1");

        await AssertNotFoundAsync(gateway, Ben, HttpMethod.Get, path, provider, 1);
    }

    [Fact]
    public async Task A_streamed_response_has_its_owner_with_its_first_event()
    {
        var gate = new Gate();
        await using var provider = Anything().On("POST /v1/responses", new Script().Head(200, "text/event-stream", BodyFraming.Chunked)
            .Event("response.created", """{"type":"response.created","response":{"id":"resp_Str3am","model":"m"}}""")
            .Event("response.output_text.delta", """{"type":"response.output_text.delta","item_id":"msg_1","delta":"hi"}""").WaitFor(gate)
            .Event("response.completed", """{"type":"response.completed","response":{"id":"resp_Str3am","model":"m","output":[{"type":"code_interpreter_call","container_id":"cntr_0wn"}],"usage":{"input_tokens":1,"output_tokens":1}}}"""));
        await using var gateway = await TwoOwners(provider).StartAsync();
        using var request = Request(Ann, HttpMethod.Post, "/v1/responses", """{"stream":true}""");

        using var response = await gateway.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Cancellation);
        await using var reader = await SseReader.OpenAsync(response, Cancellation);
        Assert.Equal("response.created", (await reader.NextAsync())!.Name);
        await AssertNotFoundAsync(gateway, Ben, HttpMethod.Get, "/v1/responses/resp_Str3am", provider, 1);
        gate.Release();
        Assert.Equal("response.completed", (await reader.ReadToEndAsync())[^1].Name);

        await AssertNotFoundAsync(gateway, Ben, HttpMethod.Get, "/v1/containers/cntr_0wn/files", provider, 1);
    }

    [Fact]
    public async Task An_answer_that_is_too_large_to_be_read_has_its_owner_all_the_same()
    {
        var answer = $$"""{"id":"resp_L4rge","output":[{"type":"image_generation_call","result":"{{new string('A', 5 * 1024 * 1024)}}"}]}""";
        await using var provider = Anything().On("POST /v1/responses", Script.Json(answer));
        await using var gateway = await TwoOwners(provider).StartAsync();

        using (var made = await AskAsync(gateway, Ann, HttpMethod.Post, "/v1/responses"))
        {
            Assert.Equal(answer, await made.Content.ReadAsStringAsync(Cancellation));
        }

        await AssertNotFoundAsync(gateway, Ben, HttpMethod.Get, "/v1/responses/resp_L4rge", provider, 1);
    }

    [Fact]
    public async Task Files_that_a_batch_has_made_are_its_owners_whoever_lists_it()
    {
        await using var provider = Made("batches", "batch_0aB").Always("GET /v1/batches", static _ => Script.Json(
            """{"object":"list","data":[{"id":"batch_0aB","output_file_id":"file-0ut","error_file_id":"file-3rr"},{"id":"batch_0ld","output_file_id":"file-0ld","error_file_id":null}]}"""));
        await using var gateway = await TwoOwners(provider).StartAsync();
        await MakeAsync(gateway, Ann, "batches", "batch_0aB");

        using (var listed = await AskAsync(gateway, Ben, HttpMethod.Get, "/v1/batches"))
        {
            Assert.Equal("""{"object":"list","data":[{"id":"batch_0ld","output_file_id":"file-0ld","error_file_id":null}]}""", await listed.Content.ReadAsStringAsync(Cancellation));
        }

        await AssertNotFoundAsync(gateway, Ben, HttpMethod.Get, "/v1/files/file-0ut/content", provider, 2);
        await AssertNotFoundAsync(gateway, Ben, HttpMethod.Get, "/v1/files/file-3rr/content", provider, 2);
        using var own = await AskAsync(gateway, Ann, HttpMethod.Get, "/v1/files/file-0ut/content");
        using var nobodys = await AskAsync(gateway, Ben, HttpMethod.Get, "/v1/files/file-0ld/content");
        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.OK), (own.StatusCode, nobodys.StatusCode));
    }

    [Fact]
    public async Task What_nobody_is_known_to_own_passes_and_is_nobodys_after()
    {
        await using var provider = Made("threads", "thread_0ld").Always("POST /v1/threads/*", static _ => Script.Json("""{"id":"thread_0ld"}"""));
        await using var gateway = await TwoOwners(provider).StartAsync();

        // An answer that repeats the id of the path has made nothing; neither has a refusal.
        using var changed = await AskAsync(gateway, Ben, HttpMethod.Post, "/v1/threads/thread_0ld");
        using var read = await AskAsync(gateway, Ann, HttpMethod.Get, "/v1/threads/thread_0ld");
        using var readToo = await AskAsync(gateway, Ben, HttpMethod.Get, "/v1/threads/thread_0ld");

        Assert.All([changed, read, readToo], answer => Assert.Equal(HttpStatusCode.OK, answer.StatusCode));
        Assert.Equal(3, provider.Requests.Count);
        Assert.Empty(gateway.Ledger.Query("SELECT * FROM object_owners"));
    }

    [Fact]
    public async Task A_refused_call_has_made_nothing()
    {
        await using var provider = Anything().On("POST /v1/files", Script.Json("""{"id":"file-0ops","error":{"message":"no"}}""", 400));
        await using var gateway = await TwoOwners(provider).StartAsync();

        using var refused = await AskAsync(gateway, Ann, HttpMethod.Post, "/v1/files");
        using var read = await AskAsync(gateway, Ben, HttpMethod.Get, "/v1/files/file-0ops");

        Assert.Equal((HttpStatusCode.BadRequest, HttpStatusCode.OK), (refused.StatusCode, read.StatusCode));
    }

    [Theory]
    [InlineData("/v1/responses", """{"model":"m","previous_response_id":"obj_1aB","input":"go on"}""")]
    [InlineData("/v1/responses", """{"model":"m","input":[{"role":"user","content":[{"type":"input_file","file_id":"OBJ_1\u0061b"}]}]}""")]
    [InlineData("/v1/responses", """{"model":"m","conversation":{"id":"obj_1aB"}}""")]
    [InlineData("/v1/batches", """{"input_file_id":"obj_1aB","endpoint":"/v1/responses"}""")]
    [InlineData("/v1/vector_stores", """{"file_ids":["file-m1ne","obj_1aB"]}""")]
    public async Task A_body_that_names_anothers_object_does_not_get_there(string path, string body)
    {
        await using var provider = Made("files", "obj_1aB");
        await using var gateway = await TwoOwners(provider).StartAsync();
        await MakeAsync(gateway, Ann, "files", "obj_1aB");

        foreach (var text in new[] { body, body.Replace("{", "{" + new string(' ', 100_000), StringComparison.Ordinal) })
        {
            using var refused = await AskAsync(gateway, Ben, HttpMethod.Post, path, text);
            var error = await OpenAiError.ReadAsync(refused);
            Assert.Equal((404, "invalid_request_error", "not_found"), (error.Status, error.Type, error.Code));
            using var own = await AskAsync(gateway, Ann, HttpMethod.Post, path, text);
            Assert.Equal(HttpStatusCode.OK, own.StatusCode);
        }

        // Of the long one the beginning may have been on its way.
        var whole = provider.Requests.Where(sent => sent.Target == path && sent.Body is not null).ToList();
        Assert.Equal(2, whole.Count);
        Assert.InRange(provider.Requests.Count, 3, 4);
    }

    [Theory]
    [InlineData("application/x-www-form-urlencoded", "purpose=x&file_id=obj_1aB")]
    [InlineData("multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=\"file_id\"\r\n\r\nobj_1aB\r\n--b--")]
    [InlineData("multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"b.jsonl\"\r\n\r\n{\"custom_id\":\"1\",\"body\":{\"input\":\"hi\"}}\n{\"custom_id\":\"2\",\"body\":{\"previous_response_id\":\"obj_1aB\"}}\n\r\n--b\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nbatch\r\n--b--\r\n")]
    public async Task A_form_that_names_anothers_object_does_not_get_there(string type, string body)
    {
        await using var provider = Made("files", "obj_1aB");
        await using var gateway = await TwoOwners(provider).StartAsync();
        await MakeAsync(gateway, Ann, "files", "obj_1aB");

        using var refused = await SendAsync(Ben);
        var error = await OpenAiError.ReadAsync(refused);
        using var own = await SendAsync(Ann);

        Assert.Equal((404, "invalid_request_error", "not_found"), (error.Status, error.Type, error.Code));
        Assert.Equal(HttpStatusCode.OK, own.StatusCode);
        Assert.Equal(body, Assert.Single(provider.Requests, sent => sent.Target == "/v1/uploads/parts" && sent.Body is not null).Text);

        async Task<HttpResponseMessage> SendAsync(string key)
        {
            using var request = Request(key, HttpMethod.Post, "/v1/uploads/parts", body);
            request.Content!.Headers.Remove("Content-Type");
            request.Content.Headers.TryAddWithoutValidation("Content-Type", type);
            return await gateway.Client.SendAsync(request, Cancellation);
        }
    }

    [Theory]
    [InlineData("/v1/files?limit=2&after=file-8hQ2xkA1")]
    [InlineData("/v1/responses/resp_m1ne/input_items?before=%66ile-8hQ2xkA1")]
    [InlineData("/v1/vector_stores?file_ids[]=file-8hQ2xkA1")]
    public async Task A_query_that_names_anothers_object_does_not_get_there(string path)
    {
        await using var provider = Made("files", "file-8hQ2xkA1");
        await using var gateway = await TwoOwners(provider).StartAsync();
        await MakeAsync(gateway, Ann, "files", "file-8hQ2xkA1");

        await AssertNotFoundAsync(gateway, Ben, HttpMethod.Get, path, provider, 1);
        using var own = await AskAsync(gateway, Ann, HttpMethod.Get, path);
        Assert.Equal(HttpStatusCode.OK, own.StatusCode);
    }

    [Fact]
    public async Task A_list_shows_the_callers_objects_and_nobodys()
    {
        const string All = """{"object":"list", "data": [ {"id":"file-Ann1","filename":"ä"}, {"id":"file-N0body"}, {"id":"file-0fJob","purpose":"batch_output"} ],"first_id":"file-Ann1","last_id":"file-0fJob","has_more":false}""";
        await using var provider = Made("files", "file-Ann1").Always("GET /v1/files", static _ => Script.Json(All));
        await using var gateway = await TwoOwners(provider).StartAsync();
        await MakeAsync(gateway, Ann, "files", "file-Ann1");

        using var anns = await AskAsync(gateway, AnnsNext, HttpMethod.Get, "/v1/files");
        using var bens = await AskAsync(gateway, Ben, HttpMethod.Get, "/v1/files?limit=10");

        Assert.Equal(
            """{"object":"list", "data": [ {"id":"file-Ann1","filename":"ä"}, {"id":"file-N0body"} ],"first_id":"file-Ann1","last_id":"file-N0body","has_more":false}""",
            await anns.Content.ReadAsStringAsync(Cancellation));
        Assert.Equal("""{"object":"list", "data": [ {"id":"file-N0body"} ],"first_id":"file-N0body","last_id":"file-N0body","has_more":false}""", await bens.Content.ReadAsStringAsync(Cancellation));
    }

    [Fact]
    public async Task Pages_of_others_alone_are_passed_over()
    {
        const int Pages = 6;
        await using var provider = Made("batches", "batch_0").Always("GET /v1/batches", static asked =>
        {
            var after = System.Web.HttpUtility.ParseQueryString(new Uri("http://p" + asked.Target).Query)["after"];
            var page = after is null ? 0 : int.Parse(after["batch_".Length..], System.Globalization.CultureInfo.InvariantCulture) + 1;
            return Script.Json($$"""{"object":"list","data":[{"id":"batch_{{page}}"}],"first_id":"batch_{{page}}","last_id":"batch_{{page}}","has_more":{{(page < Pages - 1 ? "true" : "false")}}}""");
        });
        for (var page = 1; page < Pages - 1; page++)
        {
            provider.On("POST /v1/batches", Script.Json($$"""{"id":"batch_{{page}}"}"""));
        }

        await using var gateway = await TwoOwners(provider).StartAsync();
        for (var page = 0; page < Pages - 1; page++)
        {
            await MakeAsync(gateway, Ann, "batches", $"batch_{page}");
        }

        using var bens = await AskAsync(gateway, Ben, HttpMethod.Get, "/v1/batches?limit=1");
        using var anns = await AskAsync(gateway, Ann, HttpMethod.Get, "/v1/batches?limit=1");

        Assert.Equal("""{"object":"list","data":[{"id":"batch_5"}],"first_id":"batch_5","last_id":"batch_5","has_more":false}""", await bens.Content.ReadAsStringAsync(Cancellation));
        Assert.Equal("""{"object":"list","data":[{"id":"batch_0"}],"first_id":"batch_0","last_id":"batch_0","has_more":true}""", await anns.Content.ReadAsStringAsync(Cancellation));
        Assert.Equal(Pages - 1 + Pages + 1, provider.Requests.Count);
    }

    [Fact]
    public async Task A_list_that_cannot_be_read_is_not_shown()
    {
        await using var provider = Made("files", "file-Ann1").On("GET /v1/files", Script.Json("""{"data":[{"id":"file-Ann1"}"""));
        await using var gateway = await TwoOwners(provider).StartAsync();
        await MakeAsync(gateway, Ann, "files", "file-Ann1");

        using var listed = await AskAsync(gateway, Ben, HttpMethod.Get, "/v1/files");

        Assert.Equal((502, "all_providers_failed"), await OpenAiError.ReadAsync(listed) is var error ? (error.Status, error.Code) : default);
    }

    [Fact]
    public async Task Without_authentication_there_is_one_tenant_and_nothing_is_kept()
    {
        await using var provider = Made("files", "file-0ne");
        await using var gateway = await new GatewayUnderTest().InProduction(provider).WithoutVariable("GATEWAY_API_KEYS").WithVariable("GATEWAY_AUTH", "none").StartAsync();

        await MakeAsync(gateway, Ann, "files", "file-0ne");
        using var read = await AskAsync(gateway, Ben, HttpMethod.Get, "/v1/files/file-0ne");

        Assert.Equal(HttpStatusCode.OK, read.StatusCode);
        Assert.Empty(gateway.Ledger.Query("SELECT * FROM object_owners"));
    }

    [Fact]
    public async Task Owners_outlive_a_restart()
    {
        await using var provider = Made("files", "file-K3pt");
        await using var first = await TwoOwners(provider).StartAsync();
        await MakeAsync(first, Ann, "files", "file-K3pt");
        await first.StopAsync();

        await using var second = await TwoOwners(provider).WithVariable("DATABASE_URL", "sqlite:" + Path.Combine(first.Folder.Path, "data", "gateway.db")).StartAsync();

        await AssertNotFoundAsync(second, Ben, HttpMethod.Get, "/v1/files/file-K3pt", provider, 1);
    }

    [Fact]
    public async Task Two_instances_know_at_once_what_was_made_on_the_other()
    {
        const int Objects = 40;
        var url = await postgres.CreateDatabaseAsync();
        var made = 0;
        await using var provider = Anything().Always("POST /v1/files", _ => Script.Json($$"""{"id":"file-N{{Interlocked.Increment(ref made)}}"}"""));
        await using var first = await TwoOwners(provider).WithVariable("DATABASE_URL", url).StartAsync();
        await using var second = await TwoOwners(provider).WithVariable("DATABASE_URL", url).StartAsync();

        for (var i = 1; i <= Objects; i++)
        {
            var (here, there) = i % 2 == 0 ? (first, second) : (second, first);
            await MakeAsync(here, Ann, "files", $"file-N{i}");
            await AssertNotFoundAsync(there, Ben, HttpMethod.Get, $"/v1/files/file-N{i}/content", provider, i);
        }

        using var own = await AskAsync(second, Ann, HttpMethod.Get, "/v1/files/file-N2");
        Assert.Equal(HttpStatusCode.OK, own.StatusCode);
    }

    [Fact]
    public async Task Without_the_database_known_owners_hold_others_wait_and_calls_without_ids_go_on()
    {
        await using var proxy = new FaultProxy(postgres.Port);
        var url = await postgres.CreateDatabaseAsync(proxy.Port);
        var next = "file-B3fore";
        await using var provider = Anything().Always("POST /v1/files", _ => Script.Json($$"""{"id":"{{next}}"}"""));
        await using var gateway = await TwoOwners(provider).WithVariable("DATABASE_URL", url).StartAsync();
        await MakeAsync(gateway, Ann, "files", "file-B3fore");
        proxy.Set(FaultMode.Closed);
        await gateway.WaitForMetricsAsync(metrics => metrics.Value("llm_gateway_store_up", ("store", "database")) == 0, "the database to be away");

        next = "file-M3anwhile";
        await MakeAsync(gateway, Ann, "files", "file-M3anwhile");
        await AssertNotFoundAsync(gateway, Ben, HttpMethod.Get, "/v1/files/file-B3fore", provider, 2);
        await AssertNotFoundAsync(gateway, Ben, HttpMethod.Get, "/v1/files/file-M3anwhile", provider, 2);
        using (var unknown = await AskAsync(gateway, Ben, HttpMethod.Get, "/v1/files/file-0ther"))
        {
            var error = await OpenAiError.ReadAsync(unknown);
            Assert.Equal((503, "overloaded_error", "store_unavailable"), (error.Status, error.Type, error.Code));
            Assert.True(unknown.Headers.Contains("retry-after"));
        }

        using (var listed = await AskAsync(gateway, Ben, HttpMethod.Get, "/v1/files"))
        using (var own = await AskAsync(gateway, Ann, HttpMethod.Get, "/v1/files/file-M3anwhile"))
        {
            Assert.Equal((HttpStatusCode.OK, HttpStatusCode.OK), (listed.StatusCode, own.StatusCode));
        }

        provider.On("GET /v1/files", Script.Json("""{"data":[{"id":"file-0ther"}]}"""));
        using (var unsure = await AskAsync(gateway, Ben, HttpMethod.Get, "/v1/files"))
        {
            Assert.Equal(HttpStatusCode.ServiceUnavailable, unsure.StatusCode);
        }

        Assert.Equal(5, provider.Requests.Count);
        await Eventually.TrueAsync(() => gateway.Log.Lines.Any(line => line.Message.Contains("owners of new objects cannot be stored now", StringComparison.Ordinal)), "the log to say so");
        proxy.Set(FaultMode.Pass);

        // What was made meanwhile is written when the database is back, for all instances.
        await Eventually.AnswersAsync<bool>(
            async () => (await postgres.QueryAsync(url, "SELECT 1 AS one FROM object_owners")).Count == 2 ? true : null, "the owner to be stored");
        using var passed = await AskAsync(gateway, Ben, HttpMethod.Get, "/v1/files/file-0ther");
        Assert.Equal(HttpStatusCode.OK, passed.StatusCode);
    }

    [Fact]
    public async Task With_one_owner_alone_the_database_is_not_needed()
    {
        await using var proxy = new FaultProxy(postgres.Port);
        await using var provider = Anything();
        await using var gateway = await new GatewayUnderTest().InProduction(provider).WithVariable("GATEWAY_API_KEYS", $"ann:{Ann},ann:{AnnsNext}")
            .WithVariable("DATABASE_URL", await postgres.CreateDatabaseAsync(proxy.Port)).StartAsync();
        proxy.Set(FaultMode.Closed);
        await gateway.WaitForMetricsAsync(metrics => metrics.Value("llm_gateway_store_up", ("store", "database")) == 0, "the database to be away");

        using var answer = await AskAsync(gateway, Ann, HttpMethod.Get, "/v1/files/file-0ther");

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
    }

    private static ScriptedProvider Anything() => ScriptedProvider.Anything().Otherwise(static _ => Script.Json("""{"object":"anything"}"""));

    private static ScriptedProvider Made(string collection, string id) => Anything().On($"POST /v1/{collection}", Script.Json($$"""{"object":"made","id":"{{id}}","status":"queued"}"""));

    private static GatewayUnderTest TwoOwners(ScriptedProvider provider) =>
        new GatewayUnderTest().InProduction(provider).WithVariable("GATEWAY_API_KEYS", $"ann:{Ann},ann:{AnnsNext},ben:{Ben}");

    private static (HttpMethod Method, string Path) Split(string call, string id) =>
        call.Split(' ') is [var method, var path] ? (new HttpMethod(method), path.Replace("{id}", id, StringComparison.Ordinal)) : throw new ArgumentException(call, nameof(call));

    private static HttpRequestMessage Request(string key, HttpMethod method, string path, string? body)
    {
        var request = new HttpRequestMessage(method, path);
        request.Headers.TryAddWithoutValidation("Authorization", "Bearer " + key);
        request.Content = body is null ? null : new StringContent(body, Encoding.UTF8, "application/json");
        return request;
    }

    private static async Task<HttpResponseMessage> AskAsync(GatewayUnderTest gateway, string key, HttpMethod method, string path, string? body = null)
    {
        using var request = Request(key, method, path, body ?? (method == HttpMethod.Post ? "{}" : null));
        return await gateway.Client.SendAsync(request, Cancellation);
    }

    private static async Task MakeAsync(GatewayUnderTest gateway, string key, string collection, string id)
    {
        using var made = await AskAsync(gateway, key, HttpMethod.Post, "/v1/" + collection);
        Assert.Equal(HttpStatusCode.OK, made.StatusCode);
        Assert.Contains($"\"id\":\"{id}\"", await made.Content.ReadAsStringAsync(Cancellation), StringComparison.Ordinal);
    }

    private static async Task AssertNotFoundAsync(GatewayUnderTest gateway, string key, HttpMethod method, string path, ScriptedProvider provider, int asked)
    {
        using var answer = await AskAsync(gateway, key, method, path);
        var error = await OpenAiError.ReadAsync(answer);
        Assert.Equal((404, "invalid_request_error", "not_found"), (error.Status, error.Type, error.Code));
        Assert.Equal(asked, provider.Requests.Count);
    }

    private static string Hash(string id) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(id.ToLowerInvariant())));
}
