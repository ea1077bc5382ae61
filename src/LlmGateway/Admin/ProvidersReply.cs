using System.Text.Json.Serialization;
using LlmGateway.Model;
using LlmGateway.Resilience;

namespace LlmGateway.Admin;

/// <summary>The providers in use: where they are, whether they can be reached now, whether their key is there. No key is ever shown.</summary>
internal sealed record ProvidersReply(IReadOnlyList<ProvidersReply.Entry> Data)
{
    /// <param name="Provider">The provider's name.</param>
    /// <param name="Type">The dialect that it speaks.</param>
    /// <param name="BaseUrl">Its address, without credentials and query; null where it has none.</param>
    /// <param name="Reachable">Whether anything spoke HTTP there just now, whatever it said.</param>
    /// <param name="Problem">Why not: <c>connection</c>, <c>timeout</c> or <c>no_base_url</c>; null if it is reachable.</param>
    /// <param name="ResponseTime">How long that took, in milliseconds; null if it is not reachable.</param>
    /// <param name="KeyNeeded">Whether calls without a key are pointless.</param>
    /// <param name="KeyPresent">Whether a key is there.</param>
    /// <param name="KeyVariables">Variables that are looked at for it.</param>
    /// <param name="Models">Models that configuration names at it.</param>
    internal sealed record Entry(
        string Provider,
        string Type,
        string? BaseUrl,
        bool Reachable,
        string? Problem,
        double? ResponseTime,
        bool KeyNeeded,
        bool KeyPresent,
        IReadOnlyList<string> KeyVariables,
        IReadOnlyList<string> Models)
    {
        public static Entry From(ProviderConfig provider, IReadOnlyList<ProviderTarget> targets, in Reachability reachability) => new(
            provider.Name,
            provider.Type,
            provider.BaseUrl?.GetComponents(UriComponents.SchemeAndServer | UriComponents.Path, UriFormat.UriEscaped),
            reachability.Problem is null,
            reachability.Problem,
            reachability.Problem is null ? Math.Round(reachability.Time.TotalMilliseconds, 1) : null,
            provider.NeedsApiKey,
            provider.ApiKey is not null || targets.Any(target => target.ApiKey is not null),
            [.. provider.ApiKeyVariables.Concat(targets.SelectMany(target => target.ApiKeyVariables)).Distinct()],
            [.. targets.Select(target => target.Model)]);
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(ProvidersReply))]
internal sealed partial class ProvidersJson : JsonSerializerContext;
