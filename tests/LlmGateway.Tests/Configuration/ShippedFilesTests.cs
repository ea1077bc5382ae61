using System.Runtime.CompilerServices;
using System.Text.Json;
using LlmGateway.Configuration;
using LlmGateway.Configuration.Options;

namespace LlmGateway.Tests.Configuration;

public sealed class ShippedFilesTests
{
    private static string Root([CallerFilePath] string path = "") => Path.GetFullPath("../../..", Path.GetDirectoryName(path)!);

    private static ConfigWorkspace Work(params (string, string)[] variables)
    {
        var work = new ConfigWorkspace(variables);
        foreach (var name in new[] { "agent_llm_config.json", "llm_settings.yaml" })
        {
            File.Copy(Path.Combine(Root(), "config", name), work.PathOf($"config/{name}"));
        }

        return work;
    }

    [Fact]
    public void Load_ShippedFiles_WorkInDevelopment()
    {
        using var work = Work();

        var config = work.Begin().Config;

        Assert.Equal(["context_collection", "problem_analysis", "requirements_generation"], config.Agents.Keys.Order());
        Assert.All(config.Agents.Values.Prepend(config.Default), agent => Assert.Equal("ollama/llama3.1", agent.Target.ToString()));
        Assert.True(config.Agents["requirements_generation"].Target.Sampling.WantsJson);
        Assert.Equal(("0", "2048", "0.7"), (config.Default.Target.Sampling.Temperature, config.Default.Target.Sampling.MaxTokens, config.Default.Target.Sampling.TopP));
    }

    [Fact]
    public void Load_ShippedFiles_WorkInProduction()
    {
        using var work = Work(
            ("ENVIRONMENT", "production"), ("INTERNAL_LLM_BASE_URL", "https://llm.corp/v1"), ("INTERNAL_LLM_MODEL", "corp-1"), ("GATEWAY_API_KEYS", "crm:a-good-long-key"));

        Assert.All(work.Begin("http://*:8080").Config.Agents.Values, agent => Assert.Equal("internal/corp-1", agent.Target.ToString()));
    }

    [Fact]
    public void Load_ExampleKeys_LoadAndAreRefusedWhereExposed()
    {
        using var work = Work();
        work.Keys(File.ReadAllText(Path.Combine(Root(), "config/gateway_keys.example.json")));

        Assert.Equal("crm", Assert.Single(work.Begin().Config.ClientKeys).Value.Name);
        Assert.Contains("well-known", Assert.Single(work.BeginBad("http://*:8080")));
    }

    [Fact]
    public void Load_ShippedDotEnvExample_ChangesNothing()
    {
        using var work = new ConfigWorkspace();
        work.Write(".env", File.ReadAllText(Path.Combine(Root(), ".env.example")));

        Assert.Equal("ollama/llama3.1", work.Begin().Config.Default.Target.ToString());
    }

    [Fact]
    public void Load_ShippedAppSettings_SetNothing()
    {
        var problems = new List<ConfigProblem>();

        var values = AppSettingsFile.Read(Path.Combine(Root(), "src/LlmGateway"), "appsettings.json", problems);

        Assert.Empty(problems);
        Assert.Empty(values);
    }

    [Fact]
    public void Schema_Members_AreTheLoadersOwn()
    {
        using var schema = JsonDocument.Parse(File.ReadAllText(Path.Combine(Root(), "config/schemas/agent_llm_config.schema.json")));
        var root = schema.RootElement;
        var definitions = root.GetProperty("$defs");

        AssertMembers(ConfigMembers.AgentsFile, root);
        AssertMembers(ConfigMembers.Agent, definitions.GetProperty("agent"));
        AssertMembers(ConfigMembers.Overlay, definitions.GetProperty("overlay"));
        AssertMembers(ConfigMembers.Fallback, definitions.GetProperty("fallback"));
        AssertMembers(ConfigMembers.FallbackSettings, definitions.GetProperty("fallback_settings"));
    }

    private static void AssertMembers(string[] expected, JsonElement schema)
    {
        var properties = schema.GetProperty("properties").EnumerateObject().ToList();

        Assert.Equal(expected.Order(StringComparer.Ordinal), properties.Select(property => property.Name).Order(StringComparer.Ordinal));
        Assert.False(schema.GetProperty("additionalProperties").GetBoolean());
        Assert.All(properties, property => Assert.True(property.Value.TryGetProperty("description", out _) || property.Value.TryGetProperty("$ref", out _), property.Name));
    }
}
