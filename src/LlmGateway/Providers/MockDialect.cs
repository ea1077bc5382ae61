using LlmGateway.Model;

namespace LlmGateway.Providers;

/// <summary>The built-in mock speaks OpenAI's form; only its transport is another (<see cref="MockHandler"/>).</summary>
public sealed class MockDialect : OpenAiDialect
{
    public const string TypeName = "mock";

    // Never resolved: the transport is the mock itself.
    private static readonly Uri Nowhere = new("http://mock.invalid/");

    public override string Name => TypeName;

    protected override Uri? BaseUrlOf(ProviderConfig provider) => Nowhere;
}
