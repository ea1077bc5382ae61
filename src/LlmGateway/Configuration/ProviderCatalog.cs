using System.Collections.Frozen;
using LlmGateway.Configuration.Options;
using LlmGateway.Model;

namespace LlmGateway.Configuration;

/// <summary>All providers of one snapshot: the built-in ones and what the settings file lists or overrides.</summary>
internal sealed class ProviderCatalog
{
    private readonly Dictionary<string, ProviderConfig> _providers = new(StringComparer.OrdinalIgnoreCase);
    private readonly List<ProviderConfig> _listed = [];

    public ProviderCatalog(SettingsOptions options, HostSettings host, KeyLookup keys, Action<ProviderOptions, string, string?> report)
    {
        foreach (var listed in options.Providers)
        {
            var provider = Build(listed, options, host, keys);
            if (provider.BaseUrl is null && provider.Type != ProviderNames.Mock && provider.Name != ProviderNames.Internal)
            {
                report(listed, "has no base_url", "Name its http(s) address.");
            }

            _providers.Add(listed.Name, provider);
            _listed.Add(provider);
        }

        foreach (var name in ProviderNames.BuiltIn.Where(name => !_providers.ContainsKey(name)))
        {
            _providers.Add(name, Build(new ProviderOptions { Name = name }, options, host, keys));
        }

        _providers[ProviderNames.Google] = _providers[ProviderNames.Gemini];
    }

    /// <summary>The settings file's providers, in its order.</summary>
    public IReadOnlyList<ProviderConfig> Listed => _listed;

    public IEnumerable<string> Names => _providers.Keys;

    public ProviderConfig? Find(string name) => _providers.GetValueOrDefault(name);

    public FrozenDictionary<string, ProviderConfig> Freeze() => _providers.ToFrozenDictionary(StringComparer.OrdinalIgnoreCase);

    private static ProviderConfig Build(ProviderOptions listed, SettingsOptions options, HostSettings host, KeyLookup keys)
    {
        var type = listed.Type ?? (ProviderNames.BuiltIn.Contains(listed.Name) ? listed.Name : ProviderNames.OpenAi);
        var baseUrl = listed.BaseUrl ?? ProviderDefaults.BaseUrlOf(listed.Name, host.Llm);
        var isInternal = type == ProviderNames.Internal;
        var provider = new ProviderConfig
        {
            Name = listed.Name,
            Type = type,
            BaseUrl = baseUrl,
            NeedsApiKey = type is ProviderNames.OpenAi or ProviderNames.Anthropic or ProviderNames.Gemini or ProviderNames.OpenRouter
                && (listed.NamesApiKey || type != ProviderNames.OpenAi || ProviderNames.BuiltIn.Contains(listed.Name) || ProviderDefaults.IsOfficial(baseUrl)),
            DefaultModel = DefaultModelOf(listed, type, options, host.Llm),
            Headers = listed.Headers,
            Models = listed.Models.ToFrozenDictionary(model => model.Name, StringComparer.Ordinal),
            AsksStreamUsage = listed.StreamUsage ?? true,
            IdentityHeaders = listed.IdentityHeaders ?? (isInternal ? IdentityHeaderNames.Default : null),
            PassesTrace = listed.Trace ?? isInternal,
            ApiVersion = listed.ApiVersion,
            Flavor = listed.Flavor,
            SpeaksHttp2 = listed.HttpVersion == ConfigMembers.Http2,
            Timeout = listed.Timeout,
            Behavior = listed.Behavior ?? MockBehavior.Healthy,
        };
        var key = keys.ForProvider(provider, listed);
        return provider with { ApiKey = key.Value, ApiKeyVariables = key.Variables };
    }

    private static string? DefaultModelOf(ProviderOptions listed, string type, SettingsOptions options, LlmDefaults llm)
    {
        var set = listed.Name switch
        {
            ProviderNames.Internal => llm.InternalModel,
            ProviderNames.Ollama => llm.OllamaModel,
            _ => null,
        };
        if (set is null && options.DefaultProvider is { } name && ProviderNames.AreSame(name, listed.Name))
        {
            set = options.DefaultModel;
        }

        return set
            ?? (listed.Models.Count > 0 ? listed.Models[0].Name : null)
            ?? (listed.Name == ProviderNames.Ollama ? "llama3.1" : null)
            ?? (type == ProviderNames.Mock ? ProviderNames.Mock : null);
    }
}
