using LlmGateway.Model;

namespace LlmGateway.Providers;

/// <summary>The built-in mock speaks OpenAI's form; only its transport is another (<see cref="MockHandler"/>).</summary>
public sealed class MockDialect : OpenAiDialect
{
    public const string TypeName = "mock";

    // Never resolved: the transport is the mock itself.
    private static readonly Uri Nowhere = new("http://mock.invalid/");

    public override string Name => TypeName;

    public override IModelCatalog? Catalog => null;

    /// <summary>A bare prompt is answered as the chat that it comes to.</summary>
    public override bool Supports(Operation operation) => operation is Operation.ChatCompletions or Operation.Embeddings;

    protected override Uri? BaseUrlOf(ProviderConfig provider) => Nowhere;
}
