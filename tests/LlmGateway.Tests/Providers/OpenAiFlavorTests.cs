using System.Buffers;
using System.Text;
using System.Text.Json;
using LlmGateway.Configuration.Options;
using LlmGateway.Model;
using LlmGateway.Providers;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Tests.Providers;

public sealed class OpenAiFlavorTests
{
    private const string Chat = """{"model":"m","messages":[{"role":"user","content":"hi"}]}""";
    private const string Streamed = """{"model":"m","stream":true,"messages":[{"role":"user","content":"hi"}]}""";

    private readonly OpenAiDialect _dialect = new(new ToolCallStates(TimeProvider.System));

    [Fact]
    public void Settings_and_code_know_the_same_flavors() =>
        Assert.Equal(ConfigMembers.Flavors.Where(name => name != "plain"), new OpenAiFlavors(null).Names.Order(StringComparer.Ordinal));

    [Theory]
    [InlineData("https://api.openai.com/v1", null)]
    [InlineData("https://my.openai.azure.com", "azure")]
    [InlineData("https://api.deepseek.com", "deepseek")]
    [InlineData("https://api.mistral.ai/v1", "mistral")]
    [InlineData("https://api.groq.com/openai/v1", "groq")]
    [InlineData("http://localhost:1234/v1", "lmstudio")]
    [InlineData("https://deepseek.com.example.org", null)]
    [InlineData("https://notgroq.com", null)]
    public void Well_known_addresses_need_no_setting(string baseUrl, string? flavor) =>
        Assert.Equal(flavor, new OpenAiFlavors(null).Find(Builder(Chat, baseUrl).Target().Provider, new Uri(baseUrl))?.Name);

    [Fact]
    public void Plain_switches_a_known_address_off() =>
        Assert.Null(new OpenAiFlavors(null).Find((Builder(Chat, "https://api.groq.com") with { Flavor = "plain" }).Target().Provider, new Uri("https://api.groq.com")));

    [Theory]
    [InlineData("https://r.openai.azure.com", "2024-10-21", "https://r.openai.azure.com/openai/deployments/my%2Fgpt/chat/completions?api-version=2024-10-21")]
    [InlineData("https://r.openai.azure.com/openai/", "2024-10-21", "https://r.openai.azure.com/openai/deployments/my%2Fgpt/chat/completions?api-version=2024-10-21")]
    [InlineData("https://r.openai.azure.com/openai/deployments/other", "2024-10-21", "https://r.openai.azure.com/openai/deployments/other/chat/completions?api-version=2024-10-21")]
    [InlineData("https://r.openai.azure.com", null, "https://r.openai.azure.com/openai/v1/chat/completions")]
    [InlineData("https://r.openai.azure.com/openai/v1/", null, "https://r.openai.azure.com/openai/v1/chat/completions")]
    public void Azure_is_called_by_deployment_and_with_its_own_header(string baseUrl, string? version, string expected)
    {
        var message = Create(Builder(Chat, baseUrl) with { ApiVersion = version, ApiKey = "k", Model = "my/gpt" }).Message!;

        Assert.Equal(expected, message.RequestUri!.AbsoluteUri);
        Assert.Equal("k", Assert.Single(message.Headers.GetValues("api-key")));
        Assert.Null(message.Headers.Authorization);
    }

    [Fact]
    public void Azure_takes_an_Entra_token_from_the_headers()
    {
        var message = Create(Builder(Chat, "https://r.openai.azure.com") with { Headers = [new("Authorization", "Bearer entra")] }).Message!;

        Assert.Equal("Bearer entra", message.Headers.Authorization!.ToString());
        Assert.False(message.Headers.Contains("api-key"));
    }

    /// <summary>DeepSeek used to answer 400: the client had dropped the reasoning.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task DeepSeek_gets_its_reasoning_back_with_the_call(bool isStreamed)
    {
        var builder = Builder(isStreamed ? Streamed : Chat, "https://api.deepseek.com");
        if (isStreamed)
        {
            const string Events = """
                data: {"choices":[{"index":0,"delta":{"role":"assistant","content":"","reasoning_content":"I \ud83d"}}]}

                data: {"choices":[{"index":0,"delta":{"reasoning_content":"\ude00\n"}}]}

                data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"call_1","type":"function","function":{"name":"f","arguments":""}}]}}]}

                data: {"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}

                data: [DONE]


                """;
            var (output, _) = GoldenStream.Run(_dialect.CreateStreamTranslator(builder.Build(), builder.Target()), Encoding.UTF8.GetBytes(Events), []);
            Assert.Equal(Events.ReplaceLineEndings("\n"), Encoding.UTF8.GetString(output));
        }
        else
        {
            _dialect.ReadReply("""{"choices":[{"index":0,"message":{"role":"assistant","content":null,"tool_calls":[{"id":"call_1","type":"function","function":{"name":"f","arguments":"{}"}}],"reasoning_content":"I \ud83d\ude00\n"},"finish_reason":"tool_calls"}]}"""u8.ToArray(), builder.Build(), builder.Target());
        }

        const string History = """{"model":"m","messages":[{"role":"user","content":"hi"},{"role":"assistant","content":null,"tool_calls":[{"id":"call_1","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"call_1","content":"1"}]}""";
        var own = await BodyAsync(Builder(History, "https://api.deepseek.com"));
        var others = await BodyAsync(Builder(History, "https://api.deepseek.com"), ClientKey.Anonymous with { Name = "other" });

        using var document = JsonDocument.Parse(own);
        Assert.Equal("I 😀\n", document.RootElement.GetProperty("messages")[1].GetProperty("reasoning_content").GetString());
        Assert.DoesNotContain("reasoning_content", others, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("abcDEF123", "abcDEF123")]
    [InlineData("abcDEF12é", null)]
    [InlineData("call_0fypS1hVX", null)]
    [InlineData("a", null)]
    public void Mistral_ids_are_nine_letters_and_digits_and_always_the_same(string id, string? expected)
    {
        var shortId = MistralFlavor.ShortId(id);

        Assert.Matches("^[A-Za-z0-9]{9}$", shortId);
        Assert.Equal(expected ?? MistralFlavor.ShortId(id), shortId);
    }

    [Fact]
    public async Task What_no_edit_names_stays_byte_for_byte()
    {
        const string Body = """{ "model" : "m", "x":1.50e+1, "messages":[ {"name":"n" , "role":"user","content":"\u0041é"} ,{"role":"user","content":"b", "name" : "n"}],"y":[ 1 ] }""";

        var sent = await BodyAsync(Builder(Body, "https://api.groq.com"));

        Assert.Equal("""{ "model" : "m", "x":1.50e+1, "messages":[ {"role":"user","content":"\u0041é"} ,{"role":"user","content":"b"}],"y":[ 1 ] }""", sent);
    }

    [Theory]
    [InlineData("""{"a":1,"b":2,"c":3}""", "a", "b", """{"c":3}""")]
    [InlineData("""{"a":1,"b":2,"c":3}""", "b", "c", """{"a":1}""")]
    [InlineData("""{"a":1,"b":2,"c":3}""", "a", "c", """{"b":2}""")]
    [InlineData("""{ "a" : 1 , "b" : 2 }""", "a", "b", "{ }")]
    public void Members_go_with_the_right_commas(string json, string first, string second, string expected)
    {
        using var edits = JsonEdits.TryParse(Encoding.UTF8.GetBytes(json))!;

        edits.Remove(edits.Root, first, second);

        Assert.Equal(expected, Encoding.UTF8.GetString(edits.Apply().ToArray()));
    }

    /// <summary>The hot path: a server without a flavor pays nothing for those that have one.</summary>
    [Fact]
    public void Plain_events_are_relayed_without_allocating()
    {
        var builder = Builder(Streamed, "https://api.openai.com/v1");
        var relay = _dialect.CreateStreamTranslator(builder.Build(), builder.Target());
        var output = new ArrayBufferWriter<byte>(1 << 20);
        var data = """{"id":"c","choices":[{"index":0,"delta":{"content":"a","reasoning":"b"},"finish_reason":null}]}"""u8.ToArray();
        byte[] raw = [.. "data: "u8, .. data, .. "\n\n"u8];
        relay.OnEvent(new WireEvent(raw, raw.AsSpan(6, data.Length)), output);

        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
        {
            relay.OnEvent(new WireEvent(raw, raw.AsSpan(6, data.Length)), output);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        Assert.Equal(1001 * raw.Length, output.WrittenCount);
    }

    [Theory]
    [InlineData("azure")]
    [InlineData("deepseek")]
    [InlineData("groq")]
    [InlineData("lmstudio")]
    [InlineData("mistral")]
    [InlineData("vllm")]
    public void Odd_answers_and_requests_do_not_throw(string flavor)
    {
        string[] odd =
        [
            """{"choices":[null,{"delta":1},{"delta":{"reasoning":1,"reasoning_content":2,"tool_calls":[1,{"id":5,"function":7}]},"finish_reason":3}],"x_groq":{"usage":1}}""",
            """{"choices":[{"delta":{"reasoning":"\ud800","\ud800":1,"tool_calls":[{"id":"\ud800"}]},"finish_reason":"model_length"}]}""",
            """{"reasoning":1,"reasoning":2,"tool_calls":""}""",
        ];
        foreach (var json in odd)
        {
            var builder = Builder(Streamed, "https://llm.example") with { Flavor = flavor };
            _dialect.ReadReply(Encoding.UTF8.GetBytes(json), builder.Build(), builder.Target());
            GoldenStream.Run(_dialect.CreateStreamTranslator(builder.Build(), builder.Target()), Encoding.UTF8.GetBytes($"data: {json}\n\n"), []);
        }

        const string Request = """{"seed":5,"tool_choice":{},"max_tokens":null,"max_completion_tokens":7,"messages":[{"role":5,"name":1,"tool_call_id":7,"tool_calls":{}},{"role":"\ud800","tool_calls":[1,{"id":"\ud800"}]}]}""";
        var sent = Builder(Chat, "https://llm.example") with { Flavor = flavor };
        Assert.NotNull(_dialect.CreateCall(sent.Build() with { Body = Encoding.UTF8.GetBytes(Request) }, sent.Target(), TargetHabits.None).Message);
    }

    private static RequestBuilder Builder(string body, string baseUrl) => RequestBuilder.From(body) with { Provider = "openai", BaseUrl = baseUrl, Model = "m" };

    private ProviderCall Create(RequestBuilder builder) => _dialect.CreateCall(builder.Build(), builder.Target(), TargetHabits.None);

    private async Task<string> BodyAsync(RequestBuilder builder, ClientKey? key = null)
    {
        var call = _dialect.CreateCall(builder.Build() with { Key = key ?? ClientKey.Anonymous }, builder.Target(), TargetHabits.None);
        return await call.Message!.Content!.ReadAsStringAsync(TestContext.Current.CancellationToken);
    }
}
