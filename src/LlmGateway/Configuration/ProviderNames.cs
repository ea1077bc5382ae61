namespace LlmGateway.Configuration;

/// <summary>The providers that exist without being listed, by name.</summary>
internal static class ProviderNames
{
    public const string OpenAi = "openai";
    public const string Anthropic = "anthropic";
    public const string Gemini = "gemini";
    public const string OpenRouter = "openrouter";
    public const string Ollama = "ollama";
    public const string Internal = "internal";
    public const string Mock = "mock";

    /// <summary>Another name of <see cref="Gemini"/>.</summary>
    public const string Google = "google";

    public static readonly string[] BuiltIn = [OpenAi, Anthropic, Gemini, OpenRouter, Ollama, Internal, Mock];

    /// <summary>The built-in spelling of a built-in name; any other name as it is.</summary>
    public static string Canonical(string name)
    {
        if (string.Equals(name, Google, StringComparison.OrdinalIgnoreCase))
        {
            return Gemini;
        }

        return BuiltIn.FirstOrDefault(known => string.Equals(known, name, StringComparison.OrdinalIgnoreCase)) ?? name;
    }

    public static bool AreSame(string left, string right) =>
        string.Equals(Canonical(left), Canonical(right), StringComparison.OrdinalIgnoreCase);
}
