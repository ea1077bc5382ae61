using System.Text;
using System.Text.Json;
using LlmGateway.Model;
using LlmGateway.Routing;

namespace LlmGateway.Tests.Routing;

public sealed class EvaluatorRequestTests
{
    [Fact]
    public void Create_HugeMaterial_IsCutAndStaysWhole()
    {
        var request = TestRequests.Chat(Body(new string('x', 30_000) + " the last question \\ud83d\\ude00"));
        var smileys = string.Concat(Enumerable.Repeat("😀", 20_000));

        var material = Material(EvaluatorRequest.Create(request, smileys, "x" + smileys, TimeSpan.FromSeconds(1)));

        Assert.All(material.EnumerateObject(), member => Assert.True(member.Value.GetString()!.Length < 17_000));
        Assert.EndsWith("the last question 😀", material.GetProperty("conversation").GetString(), StringComparison.Ordinal);
        Assert.EndsWith("😀[…]", material.GetProperty("answer_1").GetString(), StringComparison.Ordinal);
        Assert.EndsWith("😀[…]", material.GetProperty("answer_2").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Create_PartsAndToolCalls_AreTextWithoutImages()
    {
        const string Body = """
            {"messages":[{"role":"user","content":[{"type":"text","text":"Look:"},{"type":"image_url","image_url":{"url":"data:image/png;base64,QUJD"}}]},
            {"role":"assistant","content":null,"tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"c","content":"42"}]}
            """;

        var conversation = Material(EvaluatorRequest.Create(TestRequests.Chat(Body), "a", "b", TimeSpan.FromSeconds(1))).GetProperty("conversation").GetString()!;

        Assert.StartsWith("user: Look:\n[image_url]\nassistant: [", conversation, StringComparison.Ordinal);
        Assert.EndsWith("tool: 42", conversation, StringComparison.Ordinal);
        Assert.DoesNotContain("QUJD", conversation, StringComparison.Ordinal);
    }

    [Fact]
    public void Create_AnyRequest_LeavesTheClientsOwnThingsBehind()
    {
        var request = TestRequests.Chat() with { Surface = "anthropic", NativeForm = new NativeForm("anthropic", "messages"), ExplicitRole = "primary", ClientHeaders = [new("a", "b")] };

        var question = EvaluatorRequest.Create(request with { Profile = request.Profile with { SystemPrompt = "secret", Tools = ["search"] } }, "a", "b", TimeSpan.FromSeconds(7));

        Assert.Equal((null, null, null, TimeSpan.FromSeconds(7)), (question.Surface, question.NativeForm, question.ExplicitRole, question.TotalTimeout));
        Assert.Equal((null, 0, 0), (question.Profile.SystemPrompt, question.Profile.Tools.Count, question.ClientHeaders.Count));
        Assert.Same(request.Tally, question.Tally);
        Assert.False(question.Scan.IsStreaming);
    }

    [Theory]
    [InlineData(true, true)]
    [InlineData(false, false)]
    [InlineData(null, false)]
    public void Sober_JsonMode_OnlyWhereItIsKnown(bool? supports, bool asked)
    {
        var target = TestRequests.Target() with { ModelConfig = new ModelConfig { Name = "gpt-test", SupportsJsonSchema = supports }, Sampling = new SamplingDefaults { TopP = "0.1", Stop = "\"}\"" } };

        Assert.Equal(new SamplingDefaults { Temperature = "0", MaxTokens = "512", WantsJson = asked }, EvaluatorRequest.Sober(target).Sampling);
    }

    private static string Body(string escaped) => $$"""{"messages":[{"role":"user","content":"{{escaped}}"}]}""";

    private static JsonElement Material(GatewayRequest question)
    {
        using var body = JsonDocument.Parse(question.Body);
        using var material = JsonDocument.Parse(Encoding.UTF8.GetBytes(body.RootElement.GetProperty("messages")[1].GetProperty("content").GetString()!));
        return material.RootElement.Clone();
    }
}
