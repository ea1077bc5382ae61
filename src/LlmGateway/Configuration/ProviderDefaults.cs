namespace LlmGateway.Configuration;

/// <summary>Official addresses of the public providers, and the variables that hold their keys.</summary>
internal static class ProviderDefaults
{
    private static readonly (string Name, Uri BaseUrl, string[] Variables)[] Public =
    [
        (ProviderNames.OpenAi, new("https://api.openai.com"), [SettingNames.OpenAiApiKey]),
        (ProviderNames.Anthropic, new("https://api.anthropic.com"), [SettingNames.AnthropicApiKey]),
        (ProviderNames.Gemini, new("https://generativelanguage.googleapis.com"), [SettingNames.GeminiApiKey, SettingNames.GoogleApiKey]),
        (ProviderNames.OpenRouter, new("https://openrouter.ai/api"), [SettingNames.OpenRouterApiKey]),
    ];

    public static Uri? BaseUrlOf(string name, LlmDefaults llm) => name switch
    {
        ProviderNames.Ollama => llm.OllamaBaseUrl,
        ProviderNames.Internal => llm.InternalBaseUrl,
        _ => Public.FirstOrDefault(provider => provider.Name == name).BaseUrl,
    };

    /// <summary>Whether the address is a public provider's own, where calls without a key are pointless.</summary>
    public static bool IsOfficial(Uri? baseUrl) =>
        baseUrl is not null && Public.Any(provider => string.Equals(provider.BaseUrl.Host, baseUrl.Host, StringComparison.OrdinalIgnoreCase));

    /// <summary>The default variables go by the provider's name, else by its address: no key is sent to a stranger because of a type.</summary>
    public static IReadOnlyList<string> VariablesOf(string name, Uri? baseUrl)
    {
        if (name == ProviderNames.Internal)
        {
            return [SettingNames.InternalApiKey];
        }

        return Public.FirstOrDefault(provider => provider.Name == name).Variables
            ?? Public.FirstOrDefault(provider => string.Equals(provider.BaseUrl.Host, baseUrl?.Host, StringComparison.OrdinalIgnoreCase)).Variables
            ?? [];
    }
}
