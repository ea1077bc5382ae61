using System.Text.Json;

namespace LlmGateway.FunctionalTests.Infrastructure;

/// <summary>OpenAI's published description of its answers, as an assertion.</summary>
internal static class OpenAiSchema
{
    public const string Completion = "CreateChatCompletionResponse";
    public const string Chunk = "CreateChatCompletionStreamResponse";
    public const string Error = "ErrorResponse";
    public const string Models = "ListModelsResponse";
    public const string Model = "Model";
    public const string Embeddings = "CreateEmbeddingResponse";
    public const string LegacyCompletion = "CreateCompletionResponse";

    private static readonly JsonSchemaChecker Checker = Load();

    public static IReadOnlyList<string> Faults(string schema, string json)
    {
        using var document = JsonDocument.Parse(json, new JsonDocumentOptions { AllowDuplicateProperties = false });
        return Checker.Check(schema, document.RootElement);
    }

    public static void AssertValid(string schema, string json)
    {
        var faults = Faults(schema, json);
        Assert.True(faults.Count == 0, $"{schema}:\n{string.Join('\n', faults)}\n{json}");
    }

    private static JsonSchemaChecker Load()
    {
        using var document = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "Schemas", "openai-schemas.json")));
        return new JsonSchemaChecker(document.RootElement.Clone());
    }
}
