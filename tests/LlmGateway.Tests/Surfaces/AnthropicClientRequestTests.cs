using System.Text.Json;
using LlmGateway.Surfaces;

namespace LlmGateway.Tests.Surfaces;

/// <summary>Messages requests in OpenAI's form: what is carried, what moves, what is refused.</summary>
public sealed class AnthropicClientRequestTests
{
    private static readonly AnthropicClientDialect Dialect = SurfaceCase.Anthropic();

    [Fact]
    public void Read_PlainRequest_KeepsSamplingAsWritten() => SurfaceCase.AssertRequest(
        Dialect,
        """{"model":"claude","max_tokens":50,"temperature":0.70,"top_p":1,"top_k":5,"stop_sequences":["END"],"system":"Be short.","messages":[{"role":"user","content":"hi"}],"metadata":{"user_id":"u1"},"service_tier":"auto"}""",
        """{"model":"claude","max_completion_tokens":50,"messages":[{"role":"system","content":"Be short."},{"role":"user","content":"hi"}],"temperature":0.70,"top_p":1,"top_k":5,"stop":["END"],"safety_identifier":"u1"}""");

    [Fact]
    public void Read_Stream_AsksForUsage() => SurfaceCase.AssertRequest(
        Dialect,
        """{"model":"m","max_tokens":1,"stream":true,"messages":[{"role":"user","content":"hi"}]}""",
        """{"model":"m","max_completion_tokens":1,"stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"hi"}]}""");

    [Fact]
    public void Read_SystemBlocks_AreOneMessage() => SurfaceCase.AssertRequest(
        Dialect,
        """{"max_tokens":1,"system":[{"type":"text","text":"A","cache_control":{"type":"ephemeral"}},{"type":"text","text":"B"}],"messages":[{"role":"user","content":[{"type":"text","text":"hi"}]}]}""",
        """{"max_completion_tokens":1,"messages":[{"role":"system","content":"A\n\nB"},{"role":"user","content":"hi"}]}""");

    [Fact]
    public void Read_ToolResults_ComeFirst_AndTheirImagesMove() => SurfaceCase.AssertRequest(
        Dialect,
        """
        {"max_tokens":1,"messages":[
          {"role":"user","content":"weather?"},
          {"role":"assistant","content":[{"type":"thinking","thinking":"hm","signature":"sig"},{"type":"text","text":"Let me look."},{"type":"tool_use","id":"t1","name":"look","input":{"q":"é","n":1.0}},{"type":"tool_use","id":"t2","name":"look","input":{}}]},
          {"role":"user","content":[{"type":"text","text":"and?"},
            {"type":"tool_result","tool_use_id":"t1","content":[{"type":"text","text":"sunny"},{"type":"image","source":{"type":"base64","media_type":"image/png","data":"AAAA"}}]},
            {"type":"tool_result","tool_use_id":"t2","is_error":true,"content":"no such place"}]}]}
        """,
        """
        {"max_completion_tokens":1,"messages":[
          {"role":"user","content":"weather?"},
          {"role":"assistant","content":"Let me look.","tool_calls":[{"id":"t1","type":"function","function":{"name":"look","arguments":"{\"q\":\"é\",\"n\":1.0}"}},{"id":"t2","type":"function","function":{"name":"look","arguments":"{}"}}]},
          {"role":"tool","tool_call_id":"t1","content":"sunny"},
          {"role":"tool","tool_call_id":"t2","content":"Error: no such place"},
          {"role":"user","content":[{"type":"text","text":"Attachments of the tool result t1:"},{"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}},{"type":"text","text":"and?"}]}]}
        """);

    [Fact]
    public void Read_UnsignedThinking_GoesBackAsReasoning() => SurfaceCase.AssertRequest(
        Dialect,
        """{"max_tokens":1,"messages":[{"role":"user","content":"a"},{"role":"assistant","content":[{"type":"thinking","thinking":"hm","signature":""},{"type":"redacted_thinking","data":"x"},{"type":"tool_use","id":"t","name":"f","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"t"}]}]}""",
        """{"max_completion_tokens":1,"messages":[{"role":"user","content":"a"},{"role":"assistant","content":null,"reasoning_content":"hm","tool_calls":[{"id":"t","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"t","content":""}]}""");

    [Fact]
    public void Read_ImagesAndDocuments_AreParts() => SurfaceCase.AssertRequest(
        Dialect,
        """{"max_tokens":1,"messages":[{"role":"user","content":[{"type":"image","source":{"type":"url","url":"https://x/y.png"}},{"type":"document","title":"a.pdf","source":{"type":"base64","media_type":"application/pdf","data":"JVBE"}},{"type":"document","source":{"type":"text","media_type":"text/plain","data":"plain"}}]}]}""",
        """{"max_completion_tokens":1,"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://x/y.png"}},{"type":"file","file":{"filename":"a.pdf","file_data":"data:application/pdf;base64,JVBE"}},{"type":"text","text":"plain"}]}]}""");

    [Fact]
    public void Read_Tools_KeepTheWholeSchema() => SurfaceCase.AssertRequest(
        Dialect,
        """{"max_tokens":1,"messages":[{"role":"user","content":"a"}],"tools":[{"name":"f","description":"d","input_schema":{"type":"object","properties":{},"additionalProperties":false},"strict":true,"cache_control":{"type":"ephemeral"}},{"type":"custom","name":"g","input_schema":{"type":"object"}}],"tool_choice":{"type":"any","disable_parallel_tool_use":true}}""",
        """{"max_completion_tokens":1,"messages":[{"role":"user","content":"a"}],"tools":[{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object","properties":{},"additionalProperties":false},"strict":true}},{"type":"function","function":{"name":"g","parameters":{"type":"object"}}}],"tool_choice":"required","parallel_tool_calls":false}""");

    [Theory]
    [InlineData("""{"type":"auto"}""", "\"auto\"")]
    [InlineData("""{"type":"none"}""", "\"none\"")]
    [InlineData("""{"type":"tool","name":"f"}""", """{"type":"function","function":{"name":"f"}}""")]
    public void Read_ToolChoice_IsOpenAIs(string client, string openAi) => SurfaceCase.AssertRequest(
        Dialect,
        $$"""{"max_tokens":1,"messages":[{"role":"user","content":"a"}],"tool_choice":{{client}}}""",
        $$"""{"max_completion_tokens":1,"messages":[{"role":"user","content":"a"}],"tool_choice":{{openAi}}}""");

    [Theory]
    [InlineData("""{"type":"enabled","budget_tokens":1024}""", "low", true)]
    [InlineData("""{"type":"enabled","budget_tokens":8000}""", "medium", true)]
    [InlineData("""{"type":"enabled","budget_tokens":32000}""", "high", true)]
    [InlineData("""{"type":"disabled"}""", "none", false)]
    public void Read_Thinking_IsAnEffort(string thinking, string effort, bool shows)
    {
        var client = $$"""{"max_tokens":1,"messages":[{"role":"user","content":"a"}],"thinking":{{thinking}}}""";

        SurfaceCase.AssertRequest(Dialect, client, $$"""{"max_completion_tokens":1,"messages":[{"role":"user","content":"a"}],"reasoning_effort":"{{effort}}"}""");
        Assert.Equal(shows, SurfaceCase.Read(Dialect, client).ShowsReasoning);
    }

    [Fact]
    public void Read_OutputConfig_IsEffortAndFormat() => SurfaceCase.AssertRequest(
        Dialect,
        """{"max_tokens":1,"messages":[{"role":"user","content":"a"}],"thinking":{"type":"adaptive"},"output_config":{"effort":"max","format":{"type":"json_schema","schema":{"type":"object"}}}}""",
        """{"max_completion_tokens":1,"messages":[{"role":"user","content":"a"}],"reasoning_effort":"max","response_format":{"type":"json_schema","json_schema":{"name":"answer","schema":{"type":"object"}}}}""");

    [Theory]
    [InlineData("""{"messages":[{"role":"user","content":"a"}]}""", "max_tokens")]
    [InlineData("""{"max_tokens":0,"messages":[{"role":"user","content":"a"}]}""", "max_tokens")]
    [InlineData("""{"max_tokens":1}""", "messages")]
    [InlineData("""{"max_tokens":1,"messages":[]}""", "messages")]
    [InlineData("""{"max_tokens":1,"messages":["x"]}""", "messages.0")]
    [InlineData("""{"max_tokens":1,"messages":[{"role":"tool","content":"a"}]}""", "messages.0.role")]
    [InlineData("""{"max_tokens":1,"messages":[{"role":"user","content":5}]}""", "messages.0.content")]
    [InlineData("""{"max_tokens":1,"messages":[{"role":"user","content":[{"type":"image","source":{}}]}]}""", "messages.0.content.0.source")]
    [InlineData("""{"max_tokens":1,"messages":[{"role":"assistant","content":[{"type":"tool_use","id":"x"}]}]}""", "messages.0.content.0")]
    [InlineData("""{"max_tokens":1,"messages":[{"role":"user","content":[{"type":"tool_result"}]}]}""", "messages.0.content.0.tool_use_id")]
    [InlineData("""{"max_tokens":1,"messages":[{"role":"user","content":"a"}],"temperature":"hot"}""", "temperature")]
    [InlineData("""{"max_tokens":1,"messages":[{"role":"user","content":"a"}],"tools":[{"input_schema":{}}]}""", "tools.0.name")]
    [InlineData("""{"max_tokens":1,"messages":[{"role":"user","content":"a"}],"tool_choice":{"type":"x"}}""", "tool_choice.type")]
    [InlineData("""{"max_tokens":1,"messages":[{"role":"user","content":"a"}],"stream":"yes"}""", "stream")]
    [InlineData("""{"max_tokens":1,"max_tokens":2,"messages":[]}""", "max_tokens")]
    public void Read_WrongMember_IsNamed(string body, string param) => SurfaceCase.AssertRefused(Dialect, body, param);

    [Theory]
    [InlineData("[]")]
    [InlineData("{\"a\":")]
    [InlineData("{} x")]
    [InlineData("{\"max_tokens\":1,\"messages\":[{\"role\":\"user\",\"content\":\"\\ud83d\"}]}")]
    public void Read_BrokenJson_IsInvalidJson(string body) => Assert.Equal("invalid_json", SurfaceCase.Read(Dialect, body).Error?.Code);

    [Theory]
    [InlineData(""" "tools":[{"type":"web_search_20250305","name":"web_search"}] """, "web_search_20250305")]
    [InlineData(""" "container":"c1" """, "container")]
    [InlineData(""" "mcp_servers":[{"type":"url","url":"https://x"}] """, "mcp_servers")]
    public void Read_WhatOnlyAnthropicHas_NeedsSuchAProvider(string member, string named)
    {
        var call = SurfaceCase.Read(Dialect, $$"""{"max_tokens":1,"messages":[{"role":"user","content":"a"}],{{member}}}""");

        Assert.Null(call.Error);
        Assert.Contains(named, call.NativeOnly, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"type":"create"}""", "thread_unsupported_request")]
    [InlineData("""{"type":"continue","previous_message_id":"msg_1"}""", "thread_unsupported_request")]
    [InlineData("null", null)]
    public void Read_Thread_IsRefusedAsTheSdksKnowIt(string thread, string? code)
    {
        var call = SurfaceCase.Read(Dialect, $$"""{"max_tokens":1,"messages":[{"role":"user","content":"a"}],"thread":{{thread}}}""");

        Assert.Equal(code, call.Error?.Code);
        if (call.Error is { } error)
        {
            using var body = JsonDocument.Parse(Dialect.WriteError(error, "r-1"));
            var details = body.RootElement.GetProperty("error").GetProperty("details");
            Assert.Equal("thread_unsupported_request", details.GetProperty("error_code").GetString());
            Assert.Equal("thread", Assert.Single(details.GetProperty("unsupported").EnumerateArray()).GetString());
        }
    }
}
