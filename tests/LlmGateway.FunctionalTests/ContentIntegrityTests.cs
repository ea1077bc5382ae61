using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using LlmGateway.FunctionalTests.Infrastructure;

namespace LlmGateway.FunctionalTests;

/// <summary>Whatever the network does to a stream's bytes, the client reads the text that the provider wrote: every stream compared with the oracle's.</summary>
public sealed class ContentIntegrityTests(ITestOutputHelper output)
{
    private const int Seed = 41_776_303;
    private const int Streams = 1_200;
    private const int AtOnce = 12;
    private const string Alphabet = "aZ09 .,\n\t\"\\/<>&'{}[]:äßéñжщ中文字日本語한국어🙂👩‍👩‍👧🏳️‍🌈\u0301\u200b\u2028\u0001";

    private static readonly JsonSerializerOptions Raw = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private static readonly string[] Characters = [.. Alphabet.EnumerateRunes().Select(rune => rune.ToString())];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Streams_carry_the_oracles_text_at_any_split()
    {
        await using var openAi = ScriptedProvider.OpenAi();
        await using var anthropic = ScriptedProvider.Anthropic();
        await using var ollama = ScriptedProvider.Ollama();
        openAi.AlwaysAnswers(_ => Split("text/event-stream", OpenAi));
        anthropic.AlwaysAnswers(_ => Split("text/event-stream", Anthropic));
        ollama.AlwaysAnswers(_ => Split("application/x-ndjson", Ollama));
        await using var gateway = await new GatewayUnderTest().InProduction(openAi)
            .WithVariable("GATEWAY_AUTH", "none").WithoutVariable("GATEWAY_API_KEYS")
            .WithVariable("ANTHROPIC_API_KEY", "sk-ant").WithVariable("OLLAMA_BASE_URL", ollama.BaseUrl)
            .WithSettings($"providers:\n  anthropic:\n    base_url: {anthropic.BaseUrl}\n")
            .StartAsync();
        string[] models = ["internal/internal-model", "internal/internal-model", "anthropic/claude-test", "ollama/llama3.1"];
        var (identical, characters) = (0, 0L);

        await Parallel.ForAsync(0, Streams, new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = Cancellation }, async (i, cancellation) =>
        {
            var body = ProductionStage.Body(isStreaming: true, content: i.ToString(CultureInfo.InvariantCulture), model: models[i % models.Length]);
            using var response = await gateway.OpenStreamAsync(ProductionStage.Path, body);
            var (text, isDone) = Read(await response.Content.ReadAsByteArrayAsync(cancellation));
            var expected = string.Concat(Words(new Random(Seed + i)));
            Interlocked.Add(ref characters, expected.Length);
            Interlocked.Add(ref identical, isDone && text == expected ? 1 : 0);
        });

        var asked = openAi.Requests.Count + anthropic.Requests.Count + ollama.Requests.Count;
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"content integrity: {identical} of {Streams} streams ({characters} characters, 3 dialects, random splits) identical to the oracle's text (seed {Seed})"));
        Assert.Equal((Streams, Streams), (asked, identical));
    }

    /// <summary>Whole answers and streams, failures before another target, hedged calls: buffers of prompts that are over serve new ones meanwhile.</summary>
    [Fact]
    public async Task Long_prompts_reach_their_providers_as_they_were_sent()
    {
        const int Prompts = 400;
        var (whole, torn) = (0, 0);
        await using var first = ScriptedProvider.OpenAi().AlwaysAnswers(_ => Script.Chosen(request => Check(request) % 4 == 2 ? Script.Json("{}", 500) : Answer(request)));
        await using var second = ScriptedProvider.OpenAi().AlwaysAnswers(_ => Script.Chosen(request => Check(request) < 0 ? Script.Json("{}", 500) : Answer(request)));
        await using var gateway = await new GatewayUnderTest().InProduction(first)
            .WithVariable("BACKUP_KEY", "sk-backup").WithSettings(ProductionStage.Settings(second.BaseUrl, llm: "timeout: 20, circuit: { failures: 1000, break_seconds: 1 }"))
            .WithAgents(ProductionStage.Agents(agents: "\"hedged\": { \"hedge_after_ms\": 1 }"))
            .StartAsync();

        await Parallel.ForAsync(0, Prompts, new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = Cancellation }, async (i, _) =>
        {
            using var response = await gateway.OpenStreamAsync(
                i % 4 == 3 ? "/agents/hedged" + ProductionStage.Path : ProductionStage.Path, ProductionStage.Body(isStreaming: i % 4 == 1, Prompt(i)), ("Authorization", "Bearer sk-client"));
            (await ChatAnswer.ReadAsync(response)).AssertAnswered("Well met");
        });

        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"content integrity: {whole} prompts of 1 to 300 KB reached a provider as they were sent, {torn} did not"));
        Assert.Equal(0, torn);
        Assert.True(whole >= Prompts + (Prompts / 4), "no call was repeated at another target");

        static string Prompt(int i) => string.Create(CultureInfo.InvariantCulture, $"{i}:") + new string((char)('a' + (i % 26)), 1000 + (new Random(Seed + i).Next(300) * 1000));

        static Script Answer(RecordedRequest request) => ProductionStage.Answer(request.Json().TryGetProperty("stream", out var stream) && stream.GetBoolean());

        int Check(RecordedRequest request)
        {
            var prompt = request.Json().GetProperty("messages")[0].GetProperty("content").GetString()!;
            var number = int.Parse(prompt.AsSpan(0, prompt.IndexOf(':', StringComparison.Ordinal)), CultureInfo.InvariantCulture);
            Interlocked.Increment(ref prompt == Prompt(number) ? ref whole : ref torn);
            return number;
        }
    }

    /// <summary>The text of stream i, piece by piece: what a provider would send as deltas. A piece may end between the parts of one visible character, never inside a code point.</summary>
    private static List<string> Words(Random random)
    {
        var words = new List<string>();
        for (var left = random.Next(1, 40); left > 0; left--)
        {
            words.Add(string.Concat(Enumerable.Range(0, random.Next(1, 9)).Select(_ => Characters[random.Next(Characters.Length)])));
        }

        return words;
    }

    /// <summary>The answer to a request for stream i, cut into chunks anywhere, in the middle of characters too.</summary>
    private static Script Split(string contentType, Func<List<string>, Random, string> write) => Script.Chosen(request =>
    {
        var number = Number(request.Json().GetProperty("messages").EnumerateArray().Last().GetProperty("content"));
        var words = Words(new Random(Seed + number));
        var random = new Random(number);
        var bytes = Encoding.UTF8.GetBytes(write(words, random));
        var cuts = Enumerable.Range(0, random.Next(0, 60)).Select(_ => random.Next(bytes.Length)).Append(bytes.Length).Distinct().Order();
        var script = new Script().Head(200, contentType, BodyFraming.Chunked);
        var start = 0;
        foreach (var cut in cuts)
        {
            script.Bytes(bytes[start..cut]);
            start = cut;
        }

        return script;
    });

    private static int Number(JsonElement content) => int.Parse(
        content.ValueKind == JsonValueKind.String ? content.GetString()! : content[0].GetProperty("text").GetString()!, CultureInfo.InvariantCulture);

    private static string OpenAi(List<string> words, Random random)
    {
        var end = random.Next(4) == 0 ? "\r\n\r\n" : "\n\n";
        var events = words.Select(word => OpenAiReplies.Chunk($$"""{"content":{{Quote(word, random)}}}""")).Prepend(OpenAiReplies.RoleChunk()).Append(OpenAiReplies.FinishChunk());
        return string.Concat(events.Append("[DONE]").Select(one => (random.Next(8) == 0 ? ": ping\n\n" : "") + "data: " + one + end));
    }

    private static string Anthropic(List<string> words, Random random)
    {
        var deltas = words.Select(word => ("content_block_delta", $$$"""{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":{{{Quote(word, random)}}}}}"""));
        (string Name, string Data)[] events =
        [
            ("message_start", """{"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"claude-test","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":9,"output_tokens":1}}}"""),
            ("content_block_start", """{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}"""),
            .. deltas,
            ("content_block_stop", """{"type":"content_block_stop","index":0}"""),
            ("message_delta", AnthropicReplies.MessageDelta(words.Count)),
            ("message_stop", AnthropicReplies.MessageStop),
        ];
        return string.Concat(events.Select(one => $"event: {one.Name}\ndata: {one.Data}\n\n"));
    }

    private static string Ollama(List<string> words, Random random) =>
        string.Concat(words.Select(word => OllamaReplies.Word("@").Replace("\"@\"", Quote(word, random), StringComparison.Ordinal)).Append(OllamaReplies.Last(completionTokens: words.Count)).Select(line => line + "\n"));

    /// <summary>Escaped to ASCII, or as it is.</summary>
    private static string Quote(string text, Random random) => random.Next(2) == 0 ? JsonSerializer.Serialize(text) : JsonSerializer.Serialize(text, Raw);

    private static (string Text, bool IsDone) Read(byte[] body)
    {
        var text = new StringBuilder();
        var isDone = false;
        foreach (var line in new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(body).Split('\n').Select(line => line.TrimEnd('\r')).Where(line => line.StartsWith("data: ", StringComparison.Ordinal)))
        {
            Assert.False(isDone, "something follows [DONE]");
            isDone = line == "data: [DONE]";
            if (isDone)
            {
                continue;
            }

            using var chunk = JsonDocument.Parse(line["data: ".Length..]);
            var choices = chunk.RootElement.GetProperty("choices");
            if (choices.GetArrayLength() > 0 && choices[0].GetProperty("delta").TryGetProperty("content", out var content))
            {
                text.Append(content.GetString());
            }
        }

        return (text.ToString(), isDone);
    }
}
