using LlmGateway.Model;
using LlmGateway.Profiles;

namespace LlmGateway.Tests.Profiles;

public sealed class PromptVariablesTests
{
    [Theory]
    [InlineData("Speak {{language}}.", "Speak Dutch.")]
    [InlineData("{{ language }}{{language}}", "DutchDutch")]
    [InlineData("{{missing}} {{7*7}} ${env:HOME} {% if %}", "{{missing}} {{7*7}} ${env:HOME} {% if %}")]
    [InlineData("{{trick}}", "{{language}}")]
    [InlineData("{{{language}}}", "{Dutch}")]
    public void Fill_ReplacesNames_OnceAndLiterally(string prompt, string expected)
    {
        var profile = new AgentProfile { Name = "a", Target = TestRequests.Target(), SystemPrompt = prompt };

        var filled = PromptVariables.Fill(profile, new Dictionary<string, string> { ["language"] = "Dutch", ["trick"] = "{{language}}" });

        Assert.Equal(expected, filled.SystemPrompt);
    }
}
