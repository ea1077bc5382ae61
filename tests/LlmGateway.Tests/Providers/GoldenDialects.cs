using LlmGateway.Providers;

namespace LlmGateway.Tests.Providers;

/// <summary>The dialects that golden files are held against, one line each. Time and ids are fixed, so that two runs give the same bytes.</summary>
internal static class GoldenDialects
{
    public static readonly IReadOnlyDictionary<string, Func<IProviderDialect>> All = new Dictionary<string, Func<IProviderDialect>>
    {
        ["openai"] = () => new OpenAiDialect(),
        ["ollama"] = () => new OllamaDialect(GoldenTime.Instance, CountingIds()),
        ["anthropic"] = () => new AnthropicDialect(GoldenTime.Instance, new ToolCallStates(GoldenTime.Instance), CountingIds()),
    };

    /// <summary>Guids that count up from 1, for one dialect.</summary>
    public static Func<Guid> CountingIds()
    {
        var last = 0;
        return () => new Guid(++last, 0, 0, new byte[8]);
    }
}
