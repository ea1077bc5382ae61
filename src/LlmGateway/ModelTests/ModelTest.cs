using System.Globalization;
using LlmGateway.Model;

namespace LlmGateway.ModelTests;

/// <summary>All probes of one model, one after the other: a model is measured with nothing else going on at it.</summary>
internal sealed class ModelTest
{
    /// <summary>A cancelled stream ends this soon, or the provider goes on counting tokens that nobody reads.</summary>
    private static readonly TimeSpan PromptEnd = TimeSpan.FromMilliseconds(500);

    private readonly ProbeClient _client;
    private readonly GatewayConfig _config;
    private readonly ConfiguredModel _model;
    private readonly Action<ConfiguredModel, ProbeResult> _progress;
    private readonly Dictionary<string, ProbeResult> _results = new(StringComparer.Ordinal);
    private readonly List<ProbeAnswer> _answers = [];

    /// <param name="client">Asks the model.</param>
    /// <param name="config">The snapshot.</param>
    /// <param name="model">The model.</param>
    /// <param name="progress">Told of each probe as it ends.</param>
    public ModelTest(ProbeClient client, GatewayConfig config, ConfiguredModel model, Action<ConfiguredModel, ProbeResult> progress) =>
        (_client, _config, _model, _progress) = (client, config, model, progress);

    public async Task<ModelResult> RunAsync(CancellationToken cancellationToken)
    {
        var chat = await AskAsync(ProbeRequests.Chat, cancellationToken);
        Note(ProbeNames.Available, chat.IsAnswer ? ProbeStatus.Passed : ProbeStatus.Failed, chat);
        if (!chat.IsAnswer)
        {
            foreach (var name in ProbeNames.All.Except(_results.Keys).ToArray())
            {
                Note(new ProbeResult(name, ProbeStatus.Skipped, Detail: "the model is not available"));
            }

            return Result(null);
        }

        Judge(ProbeNames.Chat, chat, ProbeJudge.Chat);
        var stream = await AskAsync(ProbeRequests.Streaming, cancellationToken);
        Judge(ProbeNames.Streaming, stream, ProbeJudge.Streaming);
        Judge(ProbeNames.Tools, await AskAsync(ProbeRequests.Tools, cancellationToken), ProbeJudge.Tools);
        if (_results[ProbeNames.Tools].Status == ProbeStatus.Passed)
        {
            Judge(ProbeNames.ParallelTools, await AskAsync(ProbeRequests.ParallelTools, cancellationToken), ProbeJudge.ParallelTools);
        }
        else
        {
            Note(new ProbeResult(ProbeNames.ParallelTools, ProbeStatus.Skipped, Detail: "it calls no tool"));
        }

        Judge(ProbeNames.Json, await AskAsync(ProbeRequests.Json, cancellationToken), ProbeJudge.Json);
        Judge(ProbeNames.JsonSchema, await AskAsync(ProbeRequests.JsonSchema, cancellationToken), ProbeJudge.JsonSchema);
        Judge(ProbeNames.Vision, await AskAsync(ProbeRequests.Vision, cancellationToken), ProbeJudge.Vision);
        NoteUsage(chat, stream);
        Note(new ProbeResult(ProbeNames.StopReason, ProbeJudge.StopReason(chat) is null ? ProbeStatus.Passed : ProbeStatus.Failed, Detail: ProbeJudge.StopReason(chat)));
        NoteCancel(await CancelAsync(cancellationToken));
        return Result(stream.IsAnswer ? stream : null);
    }

    private async Task<ProbeAnswer> AskAsync(string question, CancellationToken cancellationToken)
    {
        var answer = await _client.AskAsync(_config, _model.Target, question, cancellationToken);
        _answers.Add(answer);
        return answer;
    }

    private async Task<ProbeAnswer> CancelAsync(CancellationToken cancellationToken)
    {
        var answer = await _client.CancelAsync(_config, _model.Target, ProbeRequests.Cancel, cancellationToken);
        _answers.Add(answer);
        return answer;
    }

    private void Judge(string name, ProbeAnswer answer, Func<ProbeAnswer, string?> judge)
    {
        if (!answer.IsAnswer)
        {
            // The chain itself refuses an answer that is not the JSON that was asked for.
            var isNoJson = answer.Reason == FailureReason.InvalidResponse && name is (ProbeNames.Json or ProbeNames.JsonSchema);
            Note(name, answer.ShowsInability ? ProbeStatus.Failed : ProbeStatus.Error, isNoJson ? answer with { Problem = $"the answer is no JSON ({answer.Problem})" } : answer);
        }
        else
        {
            var problem = judge(answer);
            Note(name, problem is null ? ProbeStatus.Passed : ProbeStatus.Failed, answer with { Problem = problem });
        }
    }

    private void NoteUsage(ProbeAnswer chat, ProbeAnswer stream)
    {
        var problem = (chat.IsUsageReported, stream) switch
        {
            (false, { IsAnswer: true, IsUsageReported: false }) => "neither whole answers nor streams tell their tokens; they are estimated",
            (false, _) => "whole answers do not tell their tokens; they are estimated",
            (true, { IsAnswer: true, IsUsageReported: false }) => "streams do not tell their tokens; they are estimated",
            _ => null,
        };
        Note(new ProbeResult(ProbeNames.Usage, problem is null ? ProbeStatus.Passed : ProbeStatus.Failed, Detail: problem));
    }

    private void NoteCancel(ProbeAnswer answer)
    {
        var (status, detail) = answer switch
        {
            { IsAnswer: false } => (ProbeStatus.Error, answer.Problem),
            { WasOverBeforeCancel: true } => (ProbeStatus.Skipped, "the answer was over before it could be cancelled"),
            { EndedAfterCancel: null } => (ProbeStatus.Failed, "the stream did not end"),
            { EndedAfterCancel: { } after } when after > PromptEnd => (ProbeStatus.Failed, string.Create(CultureInfo.InvariantCulture, $"the stream ended only after {after.TotalMilliseconds:0} ms")),
            _ => (ProbeStatus.Passed, null),
        };
        Note(ProbeNames.Cancel, status, answer with { Problem = detail });
    }

    private void Note(string name, ProbeStatus status, ProbeAnswer answer) =>
        Note(new ProbeResult(name, status, (long)answer.Duration.TotalMilliseconds, answer.Problem));

    private void Note(ProbeResult result)
    {
        _results[result.Name] = result;
        _progress(_model, result);
    }

    private ModelResult Result(ProbeAnswer? stream)
    {
        var target = _model.Target;
        var whole = _answers.Where(answer => answer is { IsAnswer: true, EndedAfterCancel: null }).ToList();
        return new ModelResult
        {
            Provider = target.Provider.Name,
            Type = target.Provider.Type,
            Model = target.Model,
            Roles = _model.Roles,
            Agents = _model.Agents,
            Available = _results[ProbeNames.Available].Status == ProbeStatus.Passed,
            SuccessCount = _answers.Count(answer => answer.IsAnswer),
            ErrorCount = _answers.Count(answer => !answer.IsAnswer),
            ResponseTime = whole.Count == 0 ? null : (long)whole.Average(answer => answer.Duration.TotalMilliseconds),
            TimeToFirstToken = (long?)stream?.TimeToFirstToken?.TotalMilliseconds,
            TokensPerSecond = stream?.TokensPerSecond,
            Free = target.ModelConfig?.IsFree ?? false,
            InputCostPer1m = Dollars(target.ModelConfig?.Price?.InputMicroUsdPer1M),
            OutputCostPer1m = Dollars(target.ModelConfig?.Price?.OutputMicroUsdPer1M),
            Probes = [.. ProbeNames.All.Select(name => _results[name])],
        };
    }

    private static decimal? Dollars(long? microUsd) => microUsd / 1_000_000m;
}
