using System.Net.Http.Headers;

namespace LlmGateway.Providers;

/// <summary>Adds the headers that a provider's settings name; each takes the place of the gateway's own of that name.</summary>
internal static class ConfiguredHeaders
{
    public static void Add(HttpRequestHeaders headers, IReadOnlyList<KeyValuePair<string, string>> configured)
    {
        foreach (var (name, value) in configured)
        {
            // Asked unvalidated, a name that belongs to the content does not throw.
            if (headers.NonValidated.Contains(name))
            {
                headers.Remove(name);
            }

            headers.TryAddWithoutValidation(name, value);
        }
    }
}
