using System.Text;
using LlmGateway.Surfaces;
using LlmGateway.Tests.Providers;
using static LlmGateway.Tests.Surfaces.SurfaceCase;

namespace LlmGateway.Tests.Surfaces;

/// <summary>Ollama's API seen from the server's side: requests into OpenAI's form, answers as objects and lines.</summary>
public sealed class OllamaClientTests
{
    private const string Streaming = "\"stream\":true,\"stream_options\":{\"include_usage\":true}";

    [Fact]
    public void Read_SaysNothingOfStreaming_Streams() => AssertRequest(
        Ollama(),
        """{"model":"llama3.1:latest","messages":[{"role":"user","content":"hi"}],"keep_alive":"5m"}""",
        $$"""{"model":"llama3.1","messages":[{"role":"user","content":"hi"}],{{Streaming}}}""");

    [Fact]
    public void Read_Options_AreSampling() => AssertRequest(
        Ollama(),
        """{"model":"m:7b","stream":false,"messages":[{"role":"user","content":"hi"}],"options":{"num_predict":50,"temperature":0.10,"stop":["END"],"seed":3,"top_k":4,"num_ctx":8192,"unknown":1}}""",
        """{"model":"m:7b","messages":[{"role":"user","content":"hi"}],"max_completion_tokens":50,"temperature":0.10,"stop":["END"],"seed":3,"top_k":4,"num_ctx":8192}""");

    [Fact]
    public void Read_UnlimitedPrediction_IsNoLimit() => AssertRequest(
        Ollama(),
        """{"model":"m","stream":false,"messages":[{"role":"user","content":"hi"}],"options":{"num_predict":-1,"stop":[]}}""",
        """{"model":"m","messages":[{"role":"user","content":"hi"}]}""");

    [Fact]
    public void Read_Images_AreDataUris() => AssertRequest(
        Ollama(),
        """{"model":"m","stream":false,"messages":[{"role":"user","content":"what?","images":["/9j/AAAA","iVBORw0K"]}]}""",
        """{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"what?"},{"type":"image_url","image_url":{"url":"data:image/jpeg;base64,/9j/AAAA"}},{"type":"image_url","image_url":{"url":"data:image/png;base64,iVBORw0K"}}]}]}""");

    [Fact]
    public void Read_ToolResults_FindTheirCalls() => AssertRequest(
        Ollama(),
        """
        {"model":"m","stream":false,"messages":[
          {"role":"assistant","content":"","thinking":"hm","tool_calls":[{"function":{"name":"f","arguments":{"a":1.0}}},{"function":{"name":"g","arguments":{}}},{"id":"own","function":{"name":"f"}}]},
          {"role":"tool","tool_name":"g","content":"1"},{"role":"tool","tool_call_id":"own","content":"2"},{"role":"tool","content":"3"},{"role":"tool","tool_name":"h","content":"4"}]}
        """,
        """
        {"model":"m","messages":[
          {"role":"assistant","content":null,"reasoning_content":"hm","tool_calls":[{"id":"call_0","type":"function","function":{"name":"f","arguments":"{\"a\":1.0}"}},{"id":"call_1","type":"function","function":{"name":"g","arguments":"{}"}},{"id":"own","type":"function","function":{"name":"f","arguments":"{}"}}]},
          {"role":"tool","tool_call_id":"call_1","content":"1"},{"role":"tool","tool_call_id":"own","content":"2"},{"role":"tool","tool_call_id":"call_0","content":"3"},{"role":"user","content":"Result of the tool h:\n4"}]}
        """);

    [Theory]
    [InlineData("\"format\":\"json\"", "\"response_format\":{\"type\":\"json_object\"}")]
    [InlineData("\"format\":{\"type\":\"object\"}", "\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"answer\",\"schema\":{\"type\":\"object\"}}}")]
    [InlineData("\"think\":true", "\"reasoning_effort\":\"medium\"")]
    [InlineData("\"think\":false", "\"reasoning_effort\":\"none\"")]
    [InlineData("\"think\":\"max\"", "\"reasoning_effort\":\"max\"")]
    [InlineData("\"tools\":[{\"function\":{\"name\":\"f\",\"parameters\":{\"type\":\"object\"}}}]", "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\",\"parameters\":{\"type\":\"object\"}}}]")]
    public void Read_TopLevelMember_HasAnEquivalent(string client, string openAi) => AssertRequest(
        Ollama(),
        $$"""{"model":"m","stream":false,"messages":[{"role":"user","content":"a"}],{{client}}}""",
        $$"""{"model":"m","messages":[{"role":"user","content":"a"}],{{openAi}}}""");

    [Fact]
    public void Read_Prompt_IsAUserMessage() => AssertRequest(
        Generate(),
        """{"model":"m","stream":false,"system":"s","prompt":"p","context":[],"template":""}""",
        """{"model":"m","messages":[{"role":"system","content":"s"},{"role":"user","content":"p"}]}""");

    [Theory]
    [InlineData("""{"model":"m","prompt":"p","raw":true}""", "raw")]
    [InlineData("""{"model":"m","prompt":"p","template":"t"}""", "template")]
    [InlineData("""{"model":"m","prompt":"p","context":[1]}""", "context")]
    [InlineData("""{"model":"m","prompt":"p","suffix":"s"}""", "suffix")]
    public void Read_WhatGoesPastTheChatForm_OnlyOllamaCarries(string body, string member)
    {
        var call = Read(Generate(), body);

        Assert.Null(call.Error);
        Assert.Equal($"'{member}'", call.NativeOnly);
    }

    [Theory]
    [InlineData("model", false)]
    [InlineData("Model", true)]
    [InlineData("\\u017fystem", true)]
    [InlineData("thin\\u212a", true)]
    [InlineData("myOwn", false)]
    public void Read_NameThatOllamaTakesForAnother_NeedsTranslation(string name, bool isMistakable)
    {
        var other = name == "model" ? "" : $",\"{name}\":\"other\"";

        Assert.Equal(isMistakable, Read(Ollama(), $$"""{"model":"m","messages":[{"role":"user","content":"a"}]{{other}}}""").NeedsTranslation);
    }

    [Theory]
    [InlineData("""{"messages":[{"role":"user","content":"a"}]}""", "model")]
    [InlineData("""{"model":"m","messages":[{"role":"user","content":[]}]}""", "messages.0.content")]
    [InlineData("""{"model":"m","messages":[{"role":"user","content":"a","images":["data:x"]}]}""", "messages.0.images")]
    [InlineData("""{"model":"m","messages":[{"role":"x","content":"a"}]}""", "messages.0.role")]
    [InlineData("""{"model":"m","messages":[{"role":"user","content":"a"}],"options":{"temperature":"0.5"}}""", "temperature")]
    [InlineData("""{"model":"m","messages":[{"role":"user","content":"a"}],"format":"xml"}""", "format")]
    [InlineData("""{"model":"m","messages":[{"role":"user","content":"a"}],"think":"much"}""", "think")]
    [InlineData("""{"model":"m","messages":5}""", "messages")]
    public void Read_WrongMember_IsNamed(string body, string param) => AssertRefused(Ollama(), body, param);

    [Theory]
    [InlineData("""{"model":"m"}""", "load")]
    [InlineData("""{"model":"m","messages":[],"keep_alive":0}""", "unload")]
    public void Read_NoMessages_IsAnsweredAtOnce(string body, string reason)
    {
        var answer = Read(Ollama(), body).Answer;

        Same($$"""{"model":"m","created_at":"2023-11-14T22:13:20.0000000Z","message":{"role":"assistant","content":""},"done":true,"done_reason":"{{reason}}"}""", answer!);
    }

    [Fact]
    public void Reply_HasArgumentsAsObjectsAndDurations()
    {
        var reply = Encoding.UTF8.GetString(Reply(Ollama(), """{"model":"gpt","choices":[{"message":{"content":"hi","reasoning_content":"hm","tool_calls":[{"id":"t","function":{"name":"f","arguments":"{\"a\":1}"}}]},"finish_reason":"tool_calls"}],"usage":{"prompt_tokens":9,"completion_tokens":2}}"""));

        Assert.StartsWith("""{"model":"gpt","created_at":"2023-11-14T22:13:20.0000000Z","message":{"role":"assistant","content":"hi","thinking":"hm","tool_calls":[{"id":"t","function":{"index":0,"name":"f","arguments":{"a":1}}}]},"done":true,"done_reason":"stop","total_duration":""", reply, StringComparison.Ordinal);
        Assert.Contains("\"prompt_eval_count\":9,", reply, StringComparison.Ordinal);
        Assert.Contains("\"eval_count\":2,", reply, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Stream_IsLines_WithToolCallsWhole()
    {
        var lines = await LinesAsync(Ollama, Chunks(
            Delta("""{"role":"assistant","content":""}"""),
            Delta("""{"reasoning":"hm"}"""),
            Delta("""{"content":"hé"}"""),
            Delta("""{"tool_calls":[{"index":0,"id":"t1","function":{"name":"f","arguments":"{\"a\""}},{"index":1,"id":"t2","function":{"name":"g"}}]}"""),
            Delta("""{"tool_calls":[{"index":0,"function":{"arguments":":1}"}}]}""", "\"length\""),
            """ "choices":[],"usage":{"prompt_tokens":9,"completion_tokens":2,"total_tokens":11} """) + "data: [DONE]\n\n");

        Assert.Equal(4, lines.Length);
        Same(Open("""{"role":"assistant","content":"","thinking":"hm"}"""), Encoding.UTF8.GetBytes(lines[0]));
        Same(Open("""{"role":"assistant","content":"hé"}"""), Encoding.UTF8.GetBytes(lines[1]));
        Same(Open("""{"role":"assistant","content":"","tool_calls":[{"id":"t1","function":{"index":0,"name":"f","arguments":{"a":1}}},{"id":"t2","function":{"index":1,"name":"g","arguments":{}}}]}"""), Encoding.UTF8.GetBytes(lines[2]));
        Assert.Contains("\"content\":\"\"},\"done\":true,\"done_reason\":\"length\",\"total_duration\":", lines[3], StringComparison.Ordinal);
        Assert.Contains("\"prompt_eval_count\":9,", lines[3], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Stream_OfAPrompt_HasResponses()
    {
        var lines = await LinesAsync(Generate, Chunks(Delta("""{"content":"a"}"""), Delta("{}", "\"stop\"")) + "data: [DONE]\n\n");

        Same("""{"model":"m","created_at":"2023-11-14T22:13:20.0000000Z","response":"a","done":false}""", Encoding.UTF8.GetBytes(lines[0]));
        Assert.Contains("\"response\":\"\",\"done\":true,\"done_reason\":\"stop\"", lines[1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Stream_ThatBreaks_EndsWithAnErrorLine()
    {
        var lines = await LinesAsync(Ollama, Chunks(Delta("""{"content":"a"}""")) + "data: {\"error\":{\"message\":\"broke\"}}\n\n");

        Assert.Equal("""{"error":"broke"}""", lines[^1]);
    }

    private static async Task<string[]> LinesAsync(Func<IClientDialect> dialect, string source)
    {
        var text = await StreamAsync(dialect, source);
        Assert.EndsWith("\n", text, StringComparison.Ordinal);
        return text[..^1].Split('\n');
    }

    private static string Open(string message) => $$"""{"model":"m","created_at":"2023-11-14T22:13:20.0000000Z","message":{{message}},"done":false}""";

    private static void Same(string expected, byte[] actual) => GoldenText.AssertSameJson(Encoding.UTF8.GetBytes(expected), actual);
}
