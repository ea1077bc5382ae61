using LlmGateway.FunctionalTests.Infrastructure;

namespace LlmGateway.FunctionalTests.HarnessTests;

/// <summary>The schema assertion can fail: every kind of wrong answer is found.</summary>
public sealed class OpenAiSchemaTests
{
    [Fact]
    public void Right_answers_pass()
    {
        OpenAiSchema.AssertValid(OpenAiSchema.Completion, OpenAiReplies.Completion("hi"));
        OpenAiSchema.AssertValid(OpenAiSchema.Chunk, OpenAiReplies.RoleChunk());
        OpenAiSchema.AssertValid(OpenAiSchema.Chunk, OpenAiReplies.FinishChunk());
        OpenAiSchema.AssertValid(OpenAiSchema.Chunk, OpenAiReplies.UsageChunk());
        OpenAiSchema.AssertValid(OpenAiSchema.Error, OpenAiReplies.Error("no"));
        OpenAiSchema.AssertValid(OpenAiSchema.Models, """{"object":"list","data":[{"id":"m","object":"model","created":1,"owned_by":"o"}]}""");
        OpenAiSchema.AssertValid(OpenAiSchema.Embeddings, """{"object":"list","model":"m","data":[{"object":"embedding","index":0,"embedding":[0.5]}],"usage":{"prompt_tokens":1,"total_tokens":1}}""");
    }

    [Theory]
    [InlineData("\"id\":\"chatcmpl-scripted\",", "")]
    [InlineData("\"object\":\"chat.completion\"", "\"object\":\"chat.completion.chunk\"")]
    [InlineData("\"created\":1790000000", "\"created\":\"1790000000\"")]
    [InlineData("\"created\":1790000000", "\"created\":1790000000.5")]
    [InlineData("\"finish_reason\":\"stop\"", "\"finish_reason\":\"end_turn\"")]
    [InlineData("\"finish_reason\":\"stop\"", "\"finish_reason\":null")]
    [InlineData("\"logprobs\":null,", "")]
    [InlineData("\"refusal\":null,", "")]
    [InlineData("\"role\":\"assistant\"", "\"role\":\"user\"")]
    [InlineData("\"prompt_tokens\":9", "\"prompt_tokens\":\"9\"")]
    [InlineData("\"total_tokens\":11", "\"all_tokens\":11")]
    [InlineData("\"content\":\"hi\"", "\"content\":[\"hi\"]")]
    public void Wrong_completions_fail(string right, string wrong)
    {
        var reply = OpenAiReplies.Completion("hi");
        Assert.Contains(right, reply, StringComparison.Ordinal);

        Assert.NotEmpty(OpenAiSchema.Faults(OpenAiSchema.Completion, reply.Replace(right, wrong, StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("\"delta\":{}", "\"message\":{}")]
    [InlineData("\"finish_reason\":\"stop\"", "\"finish_reason\":\"done\"")]
    [InlineData("\"index\":0", "\"index\":\"0\"")]
    [InlineData("\"choices\":[", "\"choices\":null,\"x\":[")]
    public void Wrong_chunks_fail(string right, string wrong) =>
        Assert.NotEmpty(OpenAiSchema.Faults(OpenAiSchema.Chunk, OpenAiReplies.FinishChunk().Replace(right, wrong, StringComparison.Ordinal)));

    [Theory]
    [InlineData("""{"error":"text"}""")]
    [InlineData("""{"error":{"message":"m","type":"t","param":null}}""")]
    [InlineData("""{"error":{"message":"m","type":"t","param":null,"code":500}}""")]
    [InlineData("""{"message":"m"}""")]
    public void Wrong_errors_fail(string json) => Assert.NotEmpty(OpenAiSchema.Faults(OpenAiSchema.Error, json));

    [Fact]
    public void Every_keyword_of_the_schemas_is_known()
    {
        foreach (var schema in (string[])[OpenAiSchema.Completion, OpenAiSchema.Chunk, OpenAiSchema.Error, OpenAiSchema.Models, OpenAiSchema.Embeddings, OpenAiSchema.LegacyCompletion])
        {
            Assert.NotEmpty(OpenAiSchema.Faults(schema, "{}"));
        }
    }
}
