using LlmGateway.Model;

namespace LlmGateway.ModelTests;

/// <summary>Tests the models of a snapshot: all providers at once, few models of one provider at a time.</summary>
internal sealed class ModelTestRunner(ProbeClient client, TimeProvider time)
{
    private const int ModelsAtOnce = 2;

    /// <param name="config">The snapshot.</param>
    /// <param name="provider">The one provider to test; null: all.</param>
    /// <param name="progress">Told of each probe as it ends, from several threads.</param>
    /// <param name="cancellationToken">Ends the run.</param>
    public async Task<ModelTestReport> RunAsync(GatewayConfig config, string? provider, Action<ConfiguredModel, ProbeResult> progress, CancellationToken cancellationToken)
    {
        var started = time.GetTimestamp();
        var startedAt = time.GetUtcNow();
        var models = Choose(config, provider);
        var results = new ModelResult[models.Count];
        var byProvider = models.Select((model, index) => (model, index)).GroupBy(entry => entry.model.Target.Provider.Name, StringComparer.Ordinal);
        await Task.WhenAll(byProvider.Select(group => Parallel.ForEachAsync(
            group,
            new ParallelOptions { MaxDegreeOfParallelism = AtOnce(group.First().model.Target.Provider), CancellationToken = cancellationToken },
            async (entry, token) => results[entry.index] = await new ModelTest(client, config, entry.model, progress).RunAsync(token))));
        return new ModelTestReport
        {
            StartedAt = startedAt,
            Duration = (long)time.GetElapsedTime(started).TotalMilliseconds,
            Environment = config.Environment,
            Summary = ModelTestSummary.Of(results),
            Models = results,
            Recommendation = ModelRecommender.Recommend(results),
        };
    }

    /// <summary>The configured models, of one provider if one is named; its aliases count.</summary>
    public static IReadOnlyList<ConfiguredModel> Choose(GatewayConfig config, string? provider)
    {
        var models = ConfiguredModel.AllOf(config);
        if (provider is null)
        {
            return models;
        }

        var name = config.Providers.TryGetValue(provider, out var known) ? known.Name : provider;
        return [.. models.Where(model => model.Target.Provider.Name == name)];
    }

    // A machine with one accelerator would load and unload models in turns.
    private static int AtOnce(ProviderConfig provider) => provider.Type == "ollama" ? 1 : ModelsAtOnce;
}
