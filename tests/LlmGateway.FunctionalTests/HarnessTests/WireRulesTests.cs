using System.Text;
using LlmGateway.FunctionalTests.Infrastructure;

namespace LlmGateway.FunctionalTests.HarnessTests;

/// <summary>The rules refuse what the real providers refuse, and let through what they take.</summary>
public sealed class WireRulesTests
{
    [Theory]
    [InlineData("""{"model":"m","messages":[{"role":"user","content":"hi"}]}""")]
    [InlineData("""{"model":"m","stream":true,"stream_options":{"include_usage":true},"vendor":1,"messages":[{"role":"developer","content":[{"type":"text","text":"x"}]}]}""")]
    [InlineData("""{"model":"m","messages":[{"role":"assistant","content":null,"tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"c","content":"42"}]}""")]
    public void OpenAi_takes_what_is_right(string body) => Assert.Empty(new OpenAiRules().Problems(Chat("/v1/chat/completions", body)));

    [Theory]
    [InlineData("""{"messages":[{"role":"user","content":"hi"}]}""")]
    [InlineData("""{"model":"agent:writer","messages":[{"role":"user","content":"hi"}]}""")]
    [InlineData("""{"model":"m","messages":[]}""")]
    [InlineData("""{"model":"m","model":"n","messages":[{"role":"user","content":"hi"}]}""")]
    [InlineData("""{"model":"m","stream_options":{"include_usage":true},"messages":[{"role":"user","content":"hi"}]}""")]
    [InlineData("""{"model":"m","stream":true,"stream_options":{"usage":true},"messages":[{"role":"user","content":"hi"}]}""")]
    [InlineData("""{"model":"m","max_tokens":5,"max_completion_tokens":5,"messages":[{"role":"user","content":"hi"}]}""")]
    [InlineData("""{"model":"m","temperature":3,"messages":[{"role":"user","content":"hi"}]}""")]
    [InlineData("""{"model":"m","messages":[{"role":"user"}]}""")]
    [InlineData("""{"model":"m","messages":[{"role":"tool","content":"42"}]}""")]
    [InlineData("""{"model":"m","messages":[{"role":"assistant","content":"","tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":{}}}]}]}""")]
    [InlineData("[]")]
    [InlineData("{")]
    public void OpenAi_refuses_what_is_wrong(string body) => Assert.NotEmpty(new OpenAiRules().Problems(Chat("/v1/chat/completions", body)));

    [Theory]
    [InlineData("""{"model":"m","stream":false,"messages":[{"role":"user","content":"hi","images":["aGk="]}],"options":{"stop":["x"],"num_predict":5},"format":"json"}""")]
    [InlineData("""{"model":"m","stream":true,"messages":[{"role":"assistant","content":"","tool_calls":[{"function":{"name":"f","arguments":{"x":1}}}]},{"role":"tool","content":"42","tool_name":"f"}]}""")]
    public void Ollama_takes_what_is_right(string body) => Assert.Empty(new OllamaRules().Problems(Chat("/api/chat", body)));

    [Theory]
    [InlineData("""{"model":"m","messages":[{"role":"user","content":"hi"}]}""")]
    [InlineData("""{"model":"m","stream":false,"tool_choice":"auto","messages":[{"role":"user","content":"hi"}]}""")]
    [InlineData("""{"model":"m","stream":false,"max_tokens":5,"messages":[{"role":"user","content":"hi"}]}""")]
    [InlineData("""{"model":"m","stream":false,"messages":[{"role":"user","content":[{"type":"text","text":"hi"}]}]}""")]
    [InlineData("""{"model":"m","stream":false,"messages":[{"role":"developer","content":"hi"}]}""")]
    [InlineData("""{"model":"m","stream":false,"messages":[{"role":"user","content":"hi","images":["data:image/png;base64,aGk="]}]}""")]
    [InlineData("""{"model":"m","stream":false,"messages":[{"role":"assistant","content":"","tool_calls":[{"function":{"name":"f","arguments":"{}"}}]}]}""")]
    [InlineData("""{"model":"m","stream":false,"messages":[{"role":"user","content":"hi"}],"options":{"stop":"x"}}""")]
    [InlineData("""{"model":"m","stream":false,"messages":[{"role":"user","content":"hi"}],"options":{"max_tokens":5}}""")]
    [InlineData("""{"model":"m","stream":false,"messages":[{"role":"user","content":"hi"}],"format":"text"}""")]
    public void Ollama_refuses_what_is_wrong(string body) => Assert.NotEmpty(new OllamaRules().Problems(Chat("/api/chat", body)));

    [Theory]
    [InlineData("""{"model":"m","max_tokens":5,"system":"s","messages":[{"role":"user","content":"hi"}]}""", true)]
    [InlineData("""{"model":"m","max_tokens":5,"messages":[{"role":"user","content":"q"},{"role":"assistant","content":[{"type":"tool_use","id":"t","name":"f","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":"42"},{"type":"text","text":"and"}]}]}""", true)]
    [InlineData("""{"model":"m","messages":[{"role":"user","content":"hi"}]}""", false)]
    [InlineData("""{"model":"m","max_tokens":5,"messages":[{"role":"system","content":"hi"}]}""", false)]
    [InlineData("""{"model":"m","max_tokens":5,"stop":["x"],"messages":[{"role":"user","content":"hi"}]}""", false)]
    [InlineData("""{"model":"m","max_tokens":5,"messages":[{"role":"assistant","content":[{"type":"tool_use","id":"t","name":"f","input":{}}]},{"role":"user","content":"no result"}]}""", false)]
    [InlineData("""{"model":"m","max_tokens":5,"messages":[{"role":"user","content":[]}]}""", false)]
    [InlineData("""{"model":"m","max_tokens":5,"temperature":1.5,"messages":[{"role":"user","content":"hi"}]}""", false)]
    [InlineData("""{"model":"claude-sonnet-4-5","max_tokens":5,"temperature":1,"top_p":1,"messages":[{"role":"user","content":"hi"}]}""", false)]
    [InlineData("""{"model":"claude-opus-4-7","max_tokens":5,"temperature":0.5,"messages":[{"role":"user","content":"hi"}]}""", false)]
    [InlineData("""{"model":"m","max_tokens":5,"stop_sequences":["\n"],"messages":[{"role":"user","content":"hi"}]}""", false)]
    [InlineData("""{"model":"m","max_tokens":5,"tool_choice":{"type":"auto"},"messages":[{"role":"user","content":"hi"}]}""", false)]
    [InlineData("""{"model":"m","max_tokens":5,"thinking":{"type":"enabled","budget_tokens":1024},"messages":[{"role":"user","content":"hi"}]}""", false)]
    [InlineData("""{"model":"m","max_tokens":5,"tools":[{"name":"f","input_schema":{}}],"messages":[{"role":"user","content":"hi"}]}""", false)]
    [InlineData("""{"model":"m","max_tokens":5,"system":[{"type":"text","text":" "}],"messages":[{"role":"user","content":"hi"}]}""", false)]
    [InlineData("""{"model":"m","max_tokens":5,"messages":[{"role":"user","content":"a"},{"role":"user","content":"b"}]}""", false)]
    [InlineData("""{"model":"m","max_tokens":5,"messages":[{"role":"assistant","content":"a"}]}""", false)]
    [InlineData("""{"model":"m","max_tokens":5,"messages":[{"role":"user","content":[{"type":"text","text":""}]}]}""", false)]
    [InlineData("""{"model":"m","max_tokens":5,"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b "}]}""", false)]
    [InlineData("""{"model":"m","max_tokens":5,"messages":[{"role":"user","content":"q"},{"role":"assistant","content":[{"type":"tool_use","id":"t","name":"f","input":{}}]}]}""", false)]
    [InlineData("""{"model":"m","max_tokens":5,"messages":[{"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":"42"}]}]}""", false)]
    [InlineData("""{"model":"m","max_tokens":5,"messages":[{"role":"user","content":"q"},{"role":"assistant","content":[{"type":"tool_use","id":"t","name":"f","input":{}}]},{"role":"user","content":[{"type":"text","text":"and"},{"type":"tool_result","tool_use_id":"t","content":"42"}]}]}""", false)]
    [InlineData("""{"model":"m","max_tokens":2000,"thinking":{"type":"enabled","budget_tokens":1024},"messages":[{"role":"user","content":"q"},{"role":"assistant","content":[{"type":"tool_use","id":"t","name":"f","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"t"}]}]}""", false)]
    public void Anthropic_tells_right_from_wrong(string body, bool isRight) =>
        Assert.Equal(isRight, !new AnthropicRules().Problems(Chat("/v1/messages", body, ("anthropic-version", "2023-06-01"), ("x-api-key", "k"))).Any());

    [Theory]
    [InlineData("2026-10-21", "x-api-key", "", true)]
    [InlineData("2026-10-21", "x-api-key", "\"temperature\":1,", false)]
    [InlineData("2022-01-01", "x-api-key", "", false)]
    [InlineData("2023-06-01", "api-key", "", false)]
    public void Anthropic_wants_its_headers(string version, string credential, string more, bool isRight) => Assert.Equal(isRight, !new AnthropicRules().Problems(Chat(
        "/v1/messages", $$"""{{{more}}"model":"m","max_tokens":5,"messages":[{"role":"user","content":"hi"}]}""", ("anthropic-version", version), (credential, "k"))).Any());

    [Theory]
    [InlineData("?alt=sse", """{"contents":[{"role":"user","parts":[{"text":"hi"}]}],"generationConfig":{"stopSequences":["x"]}}""", true)]
    [InlineData("?alt=sse", """{"contents":[{"role":"assistant","parts":[{"text":"hi"}]}]}""", false)]
    [InlineData("?alt=sse", """{"contents":[{"role":"user","parts":[]}]}""", false)]
    [InlineData("?alt=sse", """{"contents":[{"role":"user","parts":[{"text":"hi"}]}],"tools":[{"functionDeclarations":[{"name":"f","parameters":{"type":"object","additionalProperties":false}}]}]}""", false)]
    [InlineData("?alt=sse", """{"contents":[{"role":"user","parts":[{"functionResponse":{"name":"f","response":"42"}}]}]}""", false)]
    [InlineData("", """{"contents":[{"role":"user","parts":[{"text":"hi"}]}]}""", false)]
    [InlineData("?alt=sse&key=k", """{"contents":[{"role":"user","parts":[{"text":"hi"}]}]}""", false)]
    public void Gemini_tells_right_from_wrong(string query, string body, bool isRight) =>
        Assert.Equal(isRight, !new GeminiRules().Problems(Chat("/v1beta/models/g:streamGenerateContent" + query, body, ("x-goog-api-key", "k"))).Any());

    private static RecordedRequest Chat(string target, string body, params (string Name, string Value)[] headers) =>
        new("POST", target, [new("content-type", "application/json"), .. headers.Select(header => KeyValuePair.Create(header.Name, header.Value))], [], Task.FromResult(0L))
        {
            Body = Encoding.UTF8.GetBytes(body),
        };
}
