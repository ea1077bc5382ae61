using LlmGateway.Configuration;
using LlmGateway.ModelTests;

namespace LlmGateway.Tests.ModelTests;

/// <summary>Every model that configuration names is found once.</summary>
public sealed class ConfiguredModelTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("llmgateway-models-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Agents_fallbacks_roles_and_lists_are_put_together()
    {
        Directory.CreateDirectory(Path.Combine(_folder, "config"));
        File.WriteAllText(Path.Combine(_folder, "config", "llm_settings.yaml"), """
            llm: { default_provider: alpha, model_roles: { primary: [one], fallback: [one, two] } }
            providers:
              alpha: { base_url: "http://alpha.test", models: [one, three] }
              beta: { base_url: "http://beta.test", models: [one] }
            """);
        File.WriteAllText(Path.Combine(_folder, "config", "agent_llm_config.json"), """
            { "agents": { "writer": { "provider": "beta", "model_name": "four", "fallbacks": [{ "provider": "alpha", "model_name": "one" }] } } }
            """);

        var config = ConfigStart.Begin(
            new Dictionary<string, string>(StringComparer.Ordinal) { ["ENVIRONMENT"] = "production", ["GATEWAY_AUTH"] = "none" }, _folder, _folder, ["http://localhost:1"]).Config;
        var found = ConfiguredModel.AllOf(config).Select(model => $"{model.Target} [{string.Join(' ', model.Roles)}] [{string.Join(' ', model.Agents)}]");

        Assert.Equal(
            ["alpha/one [primary fallback] [default writer]", "beta/four [] [writer]", "alpha/two [fallback] []", "alpha/three [] []", "beta/one [] []"],
            found);
    }

    [Fact]
    public void The_mock_that_stands_in_for_Ollama_is_nobodys_configuration()
    {
        var config = ConfigStart.Begin(new Dictionary<string, string>(StringComparer.Ordinal), _folder, _folder, ["http://localhost:1"]).Config;

        Assert.Equal(["ollama/llama3.1"], ConfiguredModel.AllOf(config).Select(model => model.Target.ToString()));
    }
}
