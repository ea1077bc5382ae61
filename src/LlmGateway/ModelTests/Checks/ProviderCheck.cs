using System.Net;
using LlmGateway.Model;
using LlmGateway.Providers;
using LlmGateway.Resilience;

namespace LlmGateway.ModelTests.Checks;

/// <summary>Whether each provider that configuration uses is there, takes its key and has its models. One or two cheap calls each, all at once.</summary>
internal sealed class ProviderCheck(DialectSet dialects, ProviderConnections connections, TimeProvider time)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    public async Task<IReadOnlyList<CheckFinding>> RunAsync(GatewayConfig config, IReadOnlyList<ConfiguredModel> models, CancellationToken cancellationToken)
    {
        var used = models.GroupBy(model => model.Target.Provider.Name, StringComparer.Ordinal);
        var findings = await Task.WhenAll(used.Select(group => CheckAsync(config, [.. group], cancellationToken)));
        return findings.Length == 0
            ? [CheckFinding.Failed("providers", "no model is configured", "Set INTERNAL_LLM_BASE_URL and INTERNAL_LLM_MODEL, or list a provider in llm_settings.yaml.")]
            : [.. findings.SelectMany(found => found)];
    }

    private async Task<IReadOnlyList<CheckFinding>> CheckAsync(GatewayConfig config, IReadOnlyList<ConfiguredModel> models, CancellationToken cancellationToken)
    {
        var target = models.Select(model => model.Target).OrderBy(candidate => candidate.LacksApiKey).First();
        var name = target.Provider.Name;
        if (!dialects.TryGet(target.Provider.Type, out var dialect) || dialect!.Catalog is not { } catalog)
        {
            return [CheckFinding.Ok(name, "a mock; there is nothing to reach")];
        }

        var request = Request(config, target);
        if (catalog.CreateListCall(request, target) is not { } call)
        {
            return [CheckFinding.Failed(name, "has no base_url", "Name its address under providers in llm_settings.yaml.")];
        }

        var answer = await SendAsync(target, call, cancellationToken);
        if (answer.Problem is not null || Judge(target, answer.Status) is { Status: CheckStatus.Failed })
        {
            return [answer.Problem ?? Judge(target, answer.Status)!];
        }

        var findings = new List<CheckFinding> { Judge(target, answer.Status) ?? CheckFinding.Ok(name, $"reachable at {Address(target)}{Accepted(target, catalog.CreateKeyCall(request, target) is null)}") };
        if (!target.LacksApiKey && catalog.CreateKeyCall(request, target) is { } keyCall)
        {
            var key = await SendAsync(target, keyCall, cancellationToken);
            findings.Add(key.Problem ?? Judge(target, key.Status) ?? CheckFinding.Ok(name, "takes the key"));
        }

        if (answer.Status == 200 && catalog.ReadList(answer.Body) is { } listed)
        {
            findings.AddRange(listed.Count == 0 && catalog.RemedyFor(target.Model) is null
                ? [CheckFinding.Ok(name, "lists no models, so they show at the first call")]
                : models.Select(model => Find(model.Target, listed, catalog)));
        }

        return findings;
    }

    private static CheckFinding Find(ProviderTarget target, IReadOnlyList<string> listed, IModelCatalog catalog)
    {
        if (listed.Any(name => catalog.IsModel(name, target.Model)))
        {
            return CheckFinding.Ok(target.ToString(), "is there");
        }

        return catalog.RemedyFor(target.Model) is { } remedy
            ? CheckFinding.Failed(target.ToString(), "the model is not there", $"Run: {remedy}")
            : CheckFinding.Failed(target.ToString(), "the provider does not list the model", $"Check the name. It has {string.Join(", ", listed.Take(8))}{(listed.Count > 8 ? ", …" : "")}.");
    }

    /// <summary>What a status says of the provider; null: all is well.</summary>
    private static CheckFinding? Judge(ProviderTarget target, int status)
    {
        var name = target.Provider.Name;
        return status switch
        {
            200 => null,
            401 or 403 when target.ApiKey is null => target.LacksApiKey
                ? CheckFinding.Warning(name, $"reachable at {Address(target)}; without a key it cannot be asked for its models")
                : CheckFinding.Failed(name, $"wants a key (status {status})", $"Set {Variables(target)}."),
            401 or 403 => CheckFinding.Failed(name, $"refuses the key (status {status})", $"Check the value of {Variables(target)}."),
            404 or 405 or 501 => CheckFinding.Ok(name, $"reachable at {Address(target)}; it has no list of models, so key and models show at the first call"),
            429 => CheckFinding.Warning(name, $"reachable at {Address(target)}, and limiting the rate at the moment"),
            >= 300 and < 400 => CheckFinding.Failed(name, $"leads elsewhere (status {status})", "Check its base_url: redirects are not followed, because keys would go with them."),
            >= 500 => CheckFinding.Failed(name, $"is there and fails (status {status})", "Look at the provider's own state, or try again later."),
            _ => CheckFinding.Failed(name, $"answers with status {status}", "Check its base_url and type."),
        };
    }

    private async Task<(int Status, ReadOnlyMemory<byte> Body, CheckFinding? Problem)> SendAsync(ProviderTarget target, HttpRequestMessage message, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(Patience, time);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            using (message)
            {
                using var response = await connections.SendAsync(target.Provider, message, linked.Token);
                var body = response.StatusCode == HttpStatusCode.OK ? await ReplyReader.ReadAllAsync(response.Content, linked.Token) : default;
                return ((int)response.StatusCode, body ?? default, null);
            }
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException or OperationCanceledException)
        {
            cancellationToken.ThrowIfCancellationRequested();
            return (0, default, Unreachable(target, exception));
        }
    }

    private static CheckFinding Unreachable(ProviderTarget target, Exception exception)
    {
        var address = Address(target);
        var start = target.Provider.Type == "ollama" ? "Start it (ollama serve), or set OLLAMA_BASE_URL." : "Check its base_url, the network and the firewall.";
        var (message, remedy) = (exception as HttpRequestException)?.HttpRequestError switch
        {
            HttpRequestError.NameResolutionError => ($"no such host: {address}", "Check its base_url and the DNS of this machine."),
            HttpRequestError.SecureConnectionError => ($"no TLS connection to {address}", "Check the certificate: it must be valid for the name and issued by a known authority."),
            HttpRequestError.ConnectionError => ($"cannot be reached at {address}", start),
            null when exception is OperationCanceledException => ($"does not answer at {address} within {Patience.TotalSeconds:0} seconds", start),
            _ => ($"the connection to {address} broke", start),
        };
        return CheckFinding.Failed(target.Provider.Name, message, remedy);
    }

    private static string Accepted(ProviderTarget target, bool listShowsKey) => target.ApiKey is not null && listShowsKey ? ", and takes the key" : "";

    private static string Address(ProviderTarget target) => target.Provider.BaseUrl?.GetLeftPart(UriPartial.Authority) ?? "";

    private static string Variables(ProviderTarget target) => target.ApiKeyVariables.Count > 0 ? string.Join(" or ", target.ApiKeyVariables) : "api_key in llm_settings.yaml";

    private GatewayRequest Request(GatewayConfig config, ProviderTarget target) => new()
    {
        Operation = Operation.Passthrough,
        Body = default,
        Scan = new ScannedRequest { MembersStart = 0 },
        Config = config,
        Profile = config.Default with { Target = target },
        Key = ClientKey.Anonymous,
        Identity = new Identity(null, config.UserId, config.UserType),
        Strategy = "single",
        TotalTimeout = Patience,
        Tally = new RequestTally("check", UniqueIds.NewVersion7(time.GetUtcNow()), time.GetTimestamp()),
    };
}
