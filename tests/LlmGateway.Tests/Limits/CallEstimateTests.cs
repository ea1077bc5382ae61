using LlmGateway.Limits;
using LlmGateway.Model;

namespace LlmGateway.Tests.Limits;

public sealed class CallEstimateTests
{
    [Theory]
    [InlineData("", null, CallEstimate.UsualOutput)]
    [InlineData("", 1000, 1000)]
    [InlineData(""","max_tokens":300""", 1000, 300)]
    [InlineData(""","max_tokens":300""", 200, 200)]
    [InlineData(""","max_tokens":300,"n":3""", 200, 600)]
    [InlineData(""","max_completion_tokens":9000000""", null, CallEstimate.MostOutput)]
    [InlineData(""","max_completion_tokens":9000000""", 128_000, 128_000)]
    public void Output_IsItsLimit_OrWhatTheWindowHolds(string members, int? window, long expected)
    {
        var target = TestRequests.Target() with { ModelConfig = new ModelConfig { Name = "gpt-test", ContextWindow = window } };
        var request = TestRequests.Chat($$"""{"messages":[{"role":"user","content":"Hi"}]{{members}}}""", target);

        Assert.Equal(expected, CallEstimate.Of(request, target).Output);
    }
}
