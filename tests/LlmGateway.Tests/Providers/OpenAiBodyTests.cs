using System.Text;
using System.Text.Json.Nodes;
using LlmGateway.Model;
using LlmGateway.Providers;

namespace LlmGateway.Tests.Providers;

public sealed class OpenAiBodyTests
{
    private static string Write(string body, ProviderTarget? target = null, string? systemPrompt = null, TargetHabits habits = TargetHabits.None)
    {
        target ??= TestRequests.Target();
        var profile = new AgentProfile { Name = "a", Target = target, SystemPrompt = systemPrompt };
        return Encoding.UTF8.GetString(OpenAiBody.Write(TestRequests.Chat(body, profile: profile), target, habits).ToArray());
    }

    [Fact]
    public void Write_NothingToChange_IsTheSameBytes()
    {
        var request = TestRequests.Chat();

        Assert.True(OpenAiBody.Write(request, TestRequests.Target(), TargetHabits.None).ToArray().AsSpan().SequenceEqual(request.Body.Span));
    }

    [Fact]
    public void Write_OtherModel_ReplacesOnlyItsValue() =>
        Assert.Equal(
            """{"x": 1.0e+2 ,"model" : "other" , "messages":[{"role":"user","content":"\u00fc"}], "y":0.10}""",
            Write("""{"x": 1.0e+2 ,"model" : "m" , "messages":[{"role":"user","content":"\u00fc"}], "y":0.10}""", TestRequests.Target("other")));

    [Fact]
    public void Write_NoModel_AddsIt() =>
        Assert.Equal("""{"model":"gpt-test","messages":[{"role":"user","content":"a"}]}""", Write("""{"messages":[{"role":"user","content":"a"}]}"""));

    [Fact]
    public void Write_ProfileDefaults_FillOnlyWhatIsLeftOut()
    {
        var sampling = new SamplingDefaults { Temperature = "0.10", TopP = "0.7", MaxTokens = "2048", Stop = "[\"X\"]", Seed = "3", ReasoningEffort = "\"low\"", WantsJson = true };
        var target = TestRequests.Target() with { Sampling = sampling };

        var filled = Write("""{"model":"gpt-test","messages":[{"role":"user","content":"a"}],"temperature":1,"max_completion_tokens":5}""", target);

        Assert.Contains("\"temperature\":1,", filled);
        Assert.DoesNotContain("\"max_tokens\"", filled);
        var json = JsonNode.Parse(filled)!;
        Assert.Equal("0.7", json["top_p"]!.ToJsonString());
        Assert.Equal("json_object", (string?)json["response_format"]!["type"]);
        Assert.Equal("[\"X\"]", json["stop"]!.ToJsonString());
    }

    [Fact]
    public void Write_NullMember_IsTakenOverByTheDefault() =>
        Assert.Equal(
            """{"temperature":0.5,"model":"gpt-test","messages":[{"role":"user","content":"a"}]}""",
            Write("""{"temperature":null,"model":"gpt-test","messages":[{"role":"user","content":"a"}]}""", TestRequests.Target() with { Sampling = new() { Temperature = "0.5" } }));

    [Fact]
    public void Write_SystemPrompt_ComesBeforeTheClientsOwn() =>
        Assert.Equal(
            """{"model":"gpt-test","messages":[{"role":"system","content":"Be \"brief\".\nPlease."},{"role":"system","content":"s"},{"role":"user","content":"a"}]}""",
            Write("""{"model":"gpt-test","messages":[{"role":"system","content":"s"},{"role":"user","content":"a"}]}""", systemPrompt: "Be \"brief\".\nPlease."));

    [Theory]
    [InlineData("", ",\"stream_options\":{\"include_usage\":true}")]
    [InlineData(",\"stream_options\":{ }", ",\"stream_options\":{\"include_usage\":true}")]
    [InlineData(",\"stream_options\":{\"include_obfuscation\":false}", ",\"stream_options\":{\"include_usage\":true,\"include_obfuscation\":false}")]
    [InlineData(",\"stream_options\":{\"include_usage\":false}", ",\"stream_options\":{\"include_usage\":true}")]
    [InlineData(",\"stream_options\":{\"include_usage\":null}", ",\"stream_options\":{\"include_usage\":true}")]
    [InlineData(",\"stream_options\":{\"include_usage\":true}", ",\"stream_options\":{\"include_usage\":true}")]
    [InlineData(",\"stream_options\":null", ",\"stream_options\":{\"include_usage\":true}")]
    public void Write_Stream_AsksForUsage(string given, string expected)
    {
        const string Start = """{"model":"gpt-test","messages":[{"role":"user","content":"a"}],"stream":true""";

        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(Start + expected + "}"), JsonNode.Parse(Write(Start + given + "}"))));
    }

    [Theory]
    [InlineData("""{"stream_options":{"include_usage":true},"model":"gpt-test","messages":[{"role":"user","content":"a"}],"stream":true}""")]
    [InlineData("""{"model":"gpt-test","messages":[{"role":"user","content":"a"}],"stream":true , "stream_options" : {"include_usage":true}}""")]
    public void Write_TargetThatRefusesStreamOptions_GetsNone(string body)
    {
        var json = JsonNode.Parse(Write(body, habits: TargetHabits.RefusesStreamOptions))!.AsObject();

        Assert.False(json.ContainsKey("stream_options"));
        Assert.Equal(3, json.Count);
    }

    [Fact]
    public void Write_TargetThatRefusesProfileFields_DoesNotGetThem()
    {
        var target = TestRequests.Target() with { Sampling = new() { Temperature = "0", MaxTokens = "9" } };

        var json = JsonNode.Parse(Write(TestRequests.Hello, target, habits: TargetHabits.RefusesTemperature | TargetHabits.RefusesMaxTokens))!.AsObject();

        Assert.False(json.ContainsKey("temperature"));
        Assert.Equal(9, (int?)json["max_completion_tokens"]);
    }
}
