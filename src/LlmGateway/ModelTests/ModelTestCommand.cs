using LlmGateway.Configuration;
using LlmGateway.Resilience;
using LlmGateway.Telemetry;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace LlmGateway.ModelTests;

/// <summary>The verb <c>test-models</c>: the gateway without its listener, asked by itself.</summary>
internal static class ModelTestCommand
{
    private const int Failure = 1;

    /// <summary>Progress goes to <paramref name="error"/>, so that the report alone is on standard output.</summary>
    public static async Task<int> RunAsync(HostInputs inputs, ModelTestOptions options, TextWriter output, TextWriter error, CancellationToken cancellationToken)
    {
        await using var gateway = GatewayHost.Build(WithoutCallers(inputs));
        var config = gateway.Services.GetRequiredService<GatewayConfigSource>().Current;
        var models = ModelTestRunner.Choose(config, options.Provider);
        if (models.Count == 0)
        {
            await error.WriteLineAsync(options.Provider is { } name
                ? $"No model of a provider \"{name}\" is configured; providers with models: {string.Join(", ", ModelTestRunner.Choose(config, null).Select(model => model.Target.Provider.Name).Distinct())}."
                : "No model is configured. List models in llm_settings.yaml, or name one in agent_llm_config.json.");
            return Failure;
        }

        var progress = new ProgressLines(TextWriter.Synchronized(error), models.Count * ProbeNames.All.Length);
        var report = await gateway.Services.GetRequiredService<ModelTestRunner>().RunAsync(config, options.Provider, progress.Write, cancellationToken);
        if (options.WritesCapabilities)
        {
            report = report with { Capabilities = CapabilityWriter.Write(gateway.Services.GetRequiredService<ConfigStart>(), report.Models) };
        }

        var text = options.IsJson ? JsonReport.Write(report) : MarkdownReport.Write(report);
        if (options.Output is { } file)
        {
            if (await TryWriteAsync(Path.GetFullPath(file, inputs.WorkingDirectory), text, cancellationToken) is { } problem)
            {
                await error.WriteLineAsync($"The report cannot be written to {file}: {problem}");
                await output.WriteAsync(text);
                return Failure;
            }

            await error.WriteLineAsync($"Report: {file}");
        }
        else
        {
            await output.WriteAsync(text);
        }

        if (report.Capabilities is { } outcome)
        {
            await error.WriteLineAsync(outcome.Problem is { } why ? $"{outcome.File} was left as it is: {why}" : $"{outcome.File}: {(outcome.IsWritten ? $"{outcome.Changes.Count} flags written" : "nothing to change")}");
        }

        return report.Summary.Available > 0 && report.Capabilities?.Problem is null ? 0 : Failure;
    }

    /// <summary>Nobody calls this process: it wants no client keys, writes no log among the report, and notes no call in the serving gateway's journal.</summary>
    private static HostInputs WithoutCallers(HostInputs inputs) => inputs with
    {
        Args = [],
        IsServing = false,
        Variables = new Dictionary<string, string>(inputs.Variables, StringComparer.Ordinal) { [SettingNames.Auth] = "none" },
        ConfigureServices = services =>
        {
            services.RemoveAll<ICallJournal>();
            services.AddSingleton(provider => new LogOutput(Stream.Null, LogFormat.Json, provider.GetRequiredService<GatewayMetrics>(), provider.GetRequiredService<TimeProvider>()));
            inputs.ConfigureServices?.Invoke(services);
        },
    };

    private static async Task<string?> TryWriteAsync(string path, string text, CancellationToken cancellationToken)
    {
        try
        {
            await File.WriteAllTextAsync(path, text, cancellationToken);
            return null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or NotSupportedException or ArgumentException)
        {
            return exception.Message;
        }
    }
}
