using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using LlmGateway.FunctionalTests.Infrastructure;

namespace LlmGateway.FunctionalTests;

/// <summary>What clients get wrong, each answered in OpenAI's form, with the field at fault, and before any provider hears of it.</summary>
public sealed class BadInputTests
{
    private const string Chat = "/v1/chat/completions";
    private const string Message = """{"role":"user","content":"hi"}""";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static TheoryData<string, string, string, string?> BadBodies => new()
    {
        { "empty", "", "invalid_json", null },
        { "white space", " \r\n\t ", "invalid_json", null },
        { "null", "null", "invalid_json", null },
        { "array", "[]", "invalid_json", null },
        { "text", "\"hello\"", "invalid_json", null },
        { "number", "12", "invalid_json", null },
        { "cut off", """{"messages":[{"role":"user","content":"h""", "invalid_json", null },
        { "trailing garbage", Body() + "x", "invalid_json", null },
        { "two objects", Body() + Body(), "invalid_json", null },
        { "trailing comma", $$"""{"messages":[{{Message}}],}""", "invalid_json", null },
        { "comment", """{/* hello */"messages":[]}""", "invalid_json", null },
        { "single quotes", "{'messages':[]}", "invalid_json", null },
        { "NaN", Body("\"temperature\":NaN"), "invalid_json", null },
        { "leading zero", Body("\"seed\":01"), "invalid_json", null },
        { "raw control character", "{\"messages\":[{\"role\":\"user\",\"content\":\"a\u0001b\"}]}", "invalid_json", null },
        { "raw line break in text", "{\"messages\":[{\"role\":\"user\",\"content\":\"a\nb\"}]}", "invalid_json", null },
        { "lone surrogate in model", Body("\"model\":\"gpt\\ud800\""), "invalid_json", null },
        { "lone surrogate in user", Body("\"user\":\"\\udc00x\""), "invalid_json", null },
        { "lone surrogate in a message", """{"messages":[{"role":"user","content":"\ud83d hi"}]}""", "invalid_json", null },
        { "lone surrogate in a part", """{"messages":[{"role":"user","content":[{"type":"text","text":"\ud83d\ud83d"}]}]}""", "invalid_json", null },
        { "lone surrogate in a name", Body("\"x\\ud800\":1"), "invalid_json", null },
        { "lone surrogate in a deep name", Body("\"x\":{\"y\":[{\"\\udfff\":1}]}"), "invalid_json", null },
        { "lone surrogate in a role", """{"messages":[{"role":"\ud800","content":"hi"}]}""", "invalid_json", null },
        { "lone surrogate in a format", Body("\"response_format\":{\"type\":\"\\ud800\\ud800\"}"), "invalid_json", null },
        { "lone surrogate in stop", Body("\"stop\":[\"\\ud800\"]"), "invalid_json", null },
        { "lone surrogate in reasoning_effort", Body("\"reasoning_effort\":\"\\ud800\""), "invalid_json", null },
        { "duplicate at the top", Body("\"model\":\"a\",\"model\":\"b\""), "invalid_json", "model" },
        { "duplicate by escape", Body("\"model\":\"a\",\"mod\\u0065l\":\"b\""), "invalid_json", "model" },
        { "duplicate messages", $$"""{"messages":[{{Message}}],"messages":[{{Message}}]}""", "invalid_json", "messages" },
        { "duplicate in a message", """{"messages":[{"role":"user","role":"system","content":"hi"}]}""", "invalid_json", "role" },
        { "duplicate in a part", """{"messages":[{"role":"user","content":[{"type":"text","text":"a","text":"b"}]}]}""", "invalid_json", "text" },
        { "duplicate in stream_options", Body("\"stream\":true,\"stream_options\":{\"include_usage\":true,\"include_usage\":false}"), "invalid_json", "include_usage" },
        { "duplicate deep in an unknown member", Body("\"x\":{\"a\":[{\"b\":1,\"c\":2,\"b\":3}]}"), "invalid_json", "b" },
        { "duplicate among many", Body(string.Join(',', Enumerable.Range(0, 60).Select(i => $"\"m{i}\":1")) + ",\"m7\":2"), "invalid_json", "m7" },
        { "65 levels", Body("\"x\":" + Nested(64)), "invalid_json", null },
        { "1000 levels", Body("\"x\":" + Nested(1000)), "invalid_json", null },
        { "100000 levels", Body("\"x\":" + Nested(100_000)), "invalid_json", null },
        { "100000 open brackets", new string('[', 100_000), "invalid_json", null },
        { "no messages", """{"model":"gpt"}""", "missing_required_parameter", "messages" },
        { "empty object", "{}", "missing_required_parameter", "messages" },
        { "null messages", """{"messages":null}""", "missing_required_parameter", "messages" },
        { "empty messages", """{"messages":[]}""", "invalid_request", "messages" },
        { "messages a string", """{"messages":"hi"}""", "invalid_request", "messages" },
        { "messages an object", """{"messages":{"role":"user"}}""", "invalid_request", "messages" },
        { "a message a string", """{"messages":["hi"]}""", "invalid_request", "messages[0]" },
        { "the second message null", $$"""{"messages":[{{Message}},null]}""", "invalid_request", "messages[1]" },
        { "a message without role", """{"messages":[{"content":"hi"}]}""", "missing_required_parameter", "messages[0].role" },
        { "a role that is a number", """{"messages":[{"role":1,"content":"hi"}]}""", "invalid_request", "messages[0].role" },
        { "content a number", $$"""{"messages":[{{Message}},{"role":"user","content":1}]}""", "invalid_request", "messages[1].content" },
        { "content an object", """{"messages":[{"role":"user","content":{"text":"hi"}}]}""", "invalid_request", "messages[0].content" },
        { "model a number", Body("\"model\":4"), "invalid_request", "model" },
        { "model an array", Body("\"model\":[\"gpt\"]"), "invalid_request", "model" },
        { "stream a string", Body("\"stream\":\"true\""), "invalid_request", "stream" },
        { "stream a number", Body("\"stream\":1"), "invalid_request", "stream" },
        { "stream_options a boolean", Body("\"stream\":true,\"stream_options\":true"), "invalid_request", "stream_options" },
        { "include_usage a string", Body("\"stream\":true,\"stream_options\":{\"include_usage\":\"yes\"}"), "invalid_request", "stream_options.include_usage" },
        { "temperature a string", Body("\"temperature\":\"hot\""), "invalid_request", "temperature" },
        { "temperature beyond numbers", Body("\"temperature\":1e999"), "invalid_request", "temperature" },
        { "top_p an object", Body("\"top_p\":{}"), "invalid_request", "top_p" },
        { "max_tokens negative", Body("\"max_tokens\":-1"), "invalid_request", "max_tokens" },
        { "max_tokens zero", Body("\"max_tokens\":0"), "invalid_request", "max_tokens" },
        { "max_tokens a fraction", Body("\"max_tokens\":1.5"), "invalid_request", "max_tokens" },
        { "max_tokens huge", Body("\"max_tokens\":99999999999999999999999999"), "invalid_request", "max_tokens" },
        { "max_completion_tokens a string", Body("\"max_completion_tokens\":\"10\""), "invalid_request", "max_completion_tokens" },
        { "n zero", Body("\"n\":0"), "invalid_request", "n" },
        { "seed a string", Body("\"seed\":\"x\""), "invalid_request", "seed" },
        { "stop a number", Body("\"stop\":1"), "invalid_request", "stop" },
        { "stop a list of numbers", Body("\"stop\":[\"a\",1]"), "invalid_request", "stop" },
        { "tools an object", Body("\"tools\":{}"), "invalid_request", "tools" },
        { "response_format a string", Body("\"response_format\":\"json\""), "invalid_request", "response_format" },
        { "unknown role", Body("\"model\":\"role:nothing\""), "model_not_found", "model" },
    };

    public static TheoryData<string, string> RawBodies => new()
    {
        { "invalid UTF-8", "7b226d65737361676573223a5b7b22726f6c65223a2275736572222c22636f6e74656e74223a22ff227d5d7d" },
        { "overlong UTF-8", "7b2278223a22c080227d" },
        { "a surrogate in UTF-8", "7b2278223a22eda080227d" },
        { "cut UTF-8", "7b2278223a22e282227d" },
        { "UTF-16 little endian", Convert.ToHexString([.. Encoding.Unicode.Preamble, .. Encoding.Unicode.GetBytes(Body())]) },
        { "UTF-16 big endian", Convert.ToHexString([.. Encoding.BigEndianUnicode.Preamble, .. Encoding.BigEndianUnicode.GetBytes(Body())]) },
        { "UTF-16 without mark", Convert.ToHexString(Encoding.Unicode.GetBytes(Body())) },
        { "a mark and nothing", "efbbbf" },
        { "two marks", "efbbbfefbbbf" + Convert.ToHexString(Encoding.UTF8.GetBytes(Body())) },
        { "NUL bytes", "0000000000" },
    };

    [Theory]
    [MemberData(nameof(BadBodies))]
    public async Task A_bad_body_is_refused_with_the_field_at_fault(string what, string body, string code, string? param)
    {
        await using var gateway = await new GatewayUnderTest().StartAsync();

        using var response = await gateway.SendAsync(Chat, body);

        var error = await OpenAiError.ReadAsync(response);
        Assert.Equal((what, code == "model_not_found" ? 404 : 400, "invalid_request_error", code, param), (what, error.Status, error.Type, error.Code, error.Param));
    }

    [Theory]
    [MemberData(nameof(RawBodies))]
    public async Task What_is_not_UTF_8_is_refused(string what, string hex)
    {
        await using var gateway = await new GatewayUnderTest().StartAsync();

        using var response = await SendAsync(gateway, Convert.FromHexString(hex), "application/json");

        var error = await OpenAiError.ReadAsync(response);
        Assert.Equal((what, 400, "invalid_json"), (what, error.Status, error.Code));
    }

    [Fact]
    public async Task A_duplicate_name_of_any_length_is_told_in_whole_characters()
    {
        await using var gateway = await new GatewayUnderTest().StartAsync();
        var name = new string('n', 63) + "😀" + new string('n', 5000);

        using var response = await gateway.SendAsync(Chat, Body($"\"{name}\":1,\"{name}\":2"));

        var error = await OpenAiError.ReadAsync(response);
        Assert.Equal("invalid_json", error.Code);
        Assert.True(error.Message.Length < 200);
        Assert.DoesNotContain('\uFFFD', error.Message);
    }

    [Theory]
    [InlineData("text/plain")]
    [InlineData("application/x-www-form-urlencoded")]
    [InlineData("multipart/form-data; boundary=x")]
    [InlineData("multipart/related; boundary=x")]
    [InlineData("text/json")]
    [InlineData("application/jsonp")]
    [InlineData("nonsense")]
    [InlineData("application/json; charset=utf-16")]
    [InlineData("application/json; charset=iso-8859-1")]
    [InlineData(null)]
    public async Task Another_media_type_or_charset_is_415(string? contentType)
    {
        await using var gateway = await new GatewayUnderTest().StartAsync();

        using var response = await SendAsync(gateway, Encoding.UTF8.GetBytes(Body()), contentType);

        var error = await OpenAiError.ReadAsync(response);
        Assert.Equal((415, "invalid_request_error", "unsupported_media_type"), (error.Status, error.Type, error.Code));
    }

    /// <summary>The charset in quotes used to be refused.</summary>
    [Theory]
    [InlineData("application/json")]
    [InlineData("application/json;charset=UTF-8")]
    [InlineData("application/json; charset=\"utf-8\"")]
    [InlineData("Application/JSON; Charset=utf-8")]
    [InlineData("application/vnd.company+json")]
    public async Task Every_spelling_of_JSON_in_UTF_8_is_taken(string contentType)
    {
        await using var provider = Hello();
        await using var gateway = await StartAsync(provider);

        using var response = await SendAsync(gateway, Encoding.UTF8.GetBytes(Body()), contentType);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    [Fact]
    public async Task A_byte_order_mark_is_taken_and_goes_no_further()
    {
        await using var provider = Hello();
        await using var gateway = await StartAsync(provider);

        using var response = await SendAsync(gateway, [0xEF, 0xBB, 0xBF, .. Encoding.UTF8.GetBytes(Body("\"model\":\"internal-model\""))], "application/json");

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(Body("\"model\":\"internal-model\""), provider.Requests.Single().Text);
    }

    [Fact]
    public async Task Sixty_four_levels_are_taken()
    {
        await using var provider = Hello();
        await using var gateway = await StartAsync(provider);

        using var response = await gateway.SendAsync(Chat, Body("\"x\":" + Nested(63)), Authorized);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    [Theory]
    [InlineData("gzip")]
    [InlineData("br")]
    [InlineData("deflate, gzip")]
    public async Task A_compressed_body_is_415(string encoding)
    {
        await using var gateway = await new GatewayUnderTest().StartAsync();
        using var request = gateway.Post(Chat, Body());
        request.Content!.Headers.TryAddWithoutValidation("Content-Encoding", encoding);

        using var response = await gateway.Client.SendAsync(request, Cancellation);

        Assert.Equal((415, "unsupported_media_type"), Pair(await OpenAiError.ReadAsync(response)));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_body_beyond_the_limit_is_413(bool isChunked)
    {
        await using var gateway = await new GatewayUnderTest().WithVariable("GATEWAY_MAX_BODY", "64KiB").StartAsync();
        using var request = gateway.Post(Chat, Body("\"x\":\"" + new string('x', 100_000) + "\""));
        request.Headers.TransferEncodingChunked = isChunked;

        using var response = await gateway.Client.SendAsync(request, Cancellation);

        Assert.Equal((413, "request_too_large"), Pair(await OpenAiError.ReadAsync(response)));
    }

    [Fact]
    public async Task A_body_within_the_limit_may_come_in_chunks()
    {
        await using var provider = Hello();
        await using var gateway = await StartAsync(provider);
        using var request = gateway.Post(Chat, Body("\"x\":\"" + new string('x', 50_000) + "\""), Authorized);
        request.Headers.TransferEncodingChunked = true;

        using var response = await gateway.Client.SendAsync(request, Cancellation);

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    [Theory]
    [InlineData("GET", Chat, 405, "method_not_allowed")]
    [InlineData("PUT", Chat, 405, "method_not_allowed")]
    [InlineData("DELETE", "/agents/x" + Chat, 405, "method_not_allowed")]
    [InlineData("POST", "/health/live", 405, "method_not_allowed")]
    [InlineData("GET", "/nothing", 404, "not_found")]
    [InlineData("POST", "/", 404, "not_found")]
    [InlineData("POST", "//v1/chat/completions", 404, "not_found")]
    [InlineData("POST", "/agents//v1/chat/completions", 404, "not_found")]
    public async Task Unknown_paths_and_methods_are_told(string method, string path, int status, string code)
    {
        await using var gateway = await new GatewayUnderTest().StartAsync();
        var answer = await RawClient.SendAsync(
            new Uri(gateway.BaseUrl), RawClient.Head($"{method} {path} HTTP/1.1", new Uri(gateway.BaseUrl), "Content-Length: 0"));

        var error = OpenAiError.Read(answer);

        Assert.Equal((status, "invalid_request_error", code), (error.Status, error.Type, error.Code));
    }

    [Theory]
    [InlineData("X-Session-Id", "has spaces")]
    [InlineData("X-Session-Id", "slash/in/it")]
    [InlineData("X-Session-Id", "")]
    [InlineData("X-Session-Id", "129")]
    public async Task A_malformed_session_id_is_refused(string name, string value)
    {
        await using var gateway = await new GatewayUnderTest().StartAsync();

        using var response = await gateway.SendAsync(Chat, Body(), (name, value == "129" ? new string('s', 129) : value));

        var error = await OpenAiError.ReadAsync(response);
        Assert.Equal((400, "invalid_header", name), (error.Status, error.Code, error.Param));
    }

    [Fact]
    public async Task An_unknown_strategy_is_refused_with_those_there_are()
    {
        await using var gateway = await new GatewayUnderTest().StartAsync();

        using var response = await gateway.SendAsync(Chat, Body(), ("X-LLM-Strategy", "luckiest"));

        var error = await OpenAiError.ReadAsync(response);
        Assert.Equal((400, "invalid_request", "X-LLM-Strategy"), (error.Status, error.Code, error.Param));
        Assert.Contains("single", error.Message);
    }

    [Theory]
    [InlineData("abc-DEF_1.2", true)]
    [InlineData("128", true)]
    [InlineData("129", false)]
    [InlineData("with space", false)]
    [InlineData("slash/", false)]
    [InlineData("<script>", false)]
    [InlineData("", false)]
    public async Task A_well_formed_request_id_is_kept_and_any_other_replaced(string id, bool isKept)
    {
        await using var gateway = await new GatewayUnderTest().StartAsync();
        var sent = id is "128" or "129" ? new string('i', int.Parse(id, CultureInfo.InvariantCulture)) : id;

        using var response = await gateway.SendAsync(Chat, "{}", ("X-Request-Id", sent));

        var error = await OpenAiError.ReadAsync(response);
        Assert.Equal(isKept, error.RequestId == sent);
        Assert.Matches("^[A-Za-z0-9._-]{1,128}$", error.RequestId);
    }

    [Fact]
    public async Task Two_request_ids_are_replaced_by_one()
    {
        await using var gateway = await new GatewayUnderTest().StartAsync();

        var answer = await RawClient.PostAsync(new Uri(gateway.BaseUrl), "{}"u8.ToArray(), "Content-Type: application/json", "X-Request-Id: one", "X-Request-Id: two");

        Assert.DoesNotContain(OpenAiError.Read(answer).RequestId, (string[])["one", "two", "one,two"]);
    }

    [Theory]
    [InlineData("NaN")]
    [InlineData("-1")]
    [InlineData("1e400")]
    [InlineData("1e300")]
    [InlineData("Infinity")]
    [InlineData("soon")]
    public async Task A_senseless_SDK_timeout_is_ignored(string seconds)
    {
        await using var provider = Hello();
        await using var gateway = await StartAsync(provider);

        using var response = await gateway.SendAsync(Chat, Body(), Authorized, ("X-Stainless-Timeout", seconds));

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    /// <summary>Bodies that are nearly right, three hundred of them, the same in every run.</summary>
    [Fact]
    public async Task Mutated_requests_never_break_the_gateway_or_hold_it_up()
    {
        var random = new Random(20_260_801);
        await using var provider = Hello().AllowsRefusals();
        await using var gateway = await StartAsync(provider);
        var statuses = new Dictionary<int, int>();

        for (var i = 0; i < 300; i++)
        {
            var body = Mutate(Encoding.UTF8.GetBytes(Seed), random);
            using var request = gateway.Post(Chat, "", Authorized);
            request.Content = new ByteArrayContent(body) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };
            var start = Stopwatch.GetTimestamp();

            using var response = await gateway.Client.SendAsync(request, Cancellation);
            var answer = await response.Content.ReadAsStringAsync(Cancellation);

            Assert.True(Stopwatch.GetElapsedTime(start) < TimeSpan.FromSeconds(2), $"Case {i} took too long: {Encoding.UTF8.GetString(body)}");
            Assert.True((int)response.StatusCode < 500, $"Case {i}: {answer}\n{Encoding.UTF8.GetString(body)}");
            if (response.StatusCode != HttpStatusCode.OK)
            {
                await OpenAiError.ReadAsync(response);
            }

            statuses[(int)response.StatusCode] = statuses.GetValueOrDefault((int)response.StatusCode) + 1;
        }

        Assert.True(statuses[200] > 20 && statuses[400] > 100, string.Join(", ", statuses));
        Assert.DoesNotContain(gateway.Log.Lines, line => line["exception"] is not null);
    }

    private const string Seed =
        """{"model":"internal-model","messages":[{"role":"system","content":"be \u0041 \ud83d\ude00"},{"role":"user","content":[{"type":"text","text":"hi 😀"},{"type":"image_url","image_url":{"url":"data:,"}}]},{"role":"assistant","content":null,"tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"c","content":"1"}],"temperature":0.5,"max_tokens":16,"stop":["a","b"],"response_format":{"type":"json_object"},"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object"}}}],"stream_options":null,"metadata":{"k":"v"},"seed":12,"user":"u"}""";

    private static readonly string[] Pieces =
        ["\"", "\\", "\\ud800", "\\u0000", "{", "}", "[", "]", ",", ":", "null", "true", "1e999", "-0", "\u0000", "\u001b", "\uFEFF", "\"model\":\"agent:x\",", "\"model\":\"role:primary\",", "\"stream\":true,", "\"stream_options\":{},", "\"messages\":[],", "😀", "\\uDE00"];

    private static (string, string) Authorized => ("Authorization", "Bearer sk-client");

    private static byte[] Mutate(byte[] seed, Random random)
    {
        var body = new List<byte>(seed);
        for (var times = random.Next(1, 4); times > 0; times--)
        {
            var at = random.Next(body.Count);
            var length = Math.Min(random.Next(1, 24), body.Count - at);
            switch (random.Next(6))
            {
                case 0:
                    body[at] = (byte)random.Next(256);
                    break;
                case 1:
                    body.RemoveRange(at, length);
                    break;
                case 2:
                    body.InsertRange(at, body.GetRange(at, length));
                    break;
                case 3:
                    body.InsertRange(at, Encoding.UTF8.GetBytes(Pieces[random.Next(Pieces.Length)]));
                    break;
                case 4:
                    body.InsertRange(1, Encoding.UTF8.GetBytes(Pieces[random.Next(Pieces.Length)]));
                    break;
                default:
                    // In place of a digit or letter another one: mostly still JSON.
                    at = body.FindIndex(at, letter => char.IsAsciiLetterOrDigit((char)letter));
                    if (at >= 0)
                    {
                        body[at] = (byte)"0123456789abcdefu"[random.Next(17)];
                    }

                    break;
            }

            if (body.Count == 0)
            {
                break;
            }
        }

        return [.. body];
    }

    private static string Body(string members = "") => members.Length == 0 ? $$"""{"messages":[{{Message}}]}""" : $$"""{{{members}},"messages":[{{Message}}]}""";

    private static string Nested(int levels) => new string('[', levels) + new string(']', levels);

    private static (int, string?) Pair(OpenAiError error) => (error.Status, error.Code);

    private static ScriptedProvider Hello() => ScriptedProvider.OpenAi().AlwaysAnswers(_ => Script.Chosen(request =>
        request.Json().TryGetProperty("stream", out var stream) && stream.ValueKind == JsonValueKind.True ? OpenAiReplies.Stream("hi") : Script.Json(OpenAiReplies.Completion("{}"))));

    private static Task<GatewayUnderTest> StartAsync(ScriptedProvider provider) => new GatewayUnderTest().InProduction(provider).StartAsync();

    private static async Task<HttpResponseMessage> SendAsync(GatewayUnderTest gateway, byte[] body, string? contentType)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, Chat) { Content = new ByteArrayContent(body) };
        request.Headers.Add("Authorization", "Bearer sk-client");
        if (contentType is not null)
        {
            request.Content.Headers.TryAddWithoutValidation("Content-Type", contentType);
        }

        return await gateway.Client.SendAsync(request, Cancellation);
    }
}
