using System.Collections.Concurrent;
using System.Globalization;

namespace LlmGateway.FunctionalTests.Infrastructure;

/// <summary>A few clients that ask one request after the other, streamed and not in turn, each under an id of its own, until they are told to stop.</summary>
internal sealed class SteadyLoad
{
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(20);

    private readonly ProductionStage _stage;
    private readonly ConcurrentDictionary<string, int> _answered = new(StringComparer.Ordinal);
    private readonly Task _asking;
    private volatile bool _isStopping;

    private SteadyLoad(ProductionStage stage, int clients)
    {
        _stage = stage;
        _asking = Task.WhenAll(Enumerable.Range(0, clients).Select(AskAsync));
    }

    /// <summary>Ids with the status that each got.</summary>
    public IReadOnlyDictionary<string, int> Answered => _answered;

    public static SteadyLoad Start(ProductionStage stage, int clients = 4)
    {
        stage.First.AlwaysAnswers(_ => Script.Chosen(request => ProductionStage.Answer(request.Json().TryGetProperty("stream", out System.Text.Json.JsonElement _))));
        return new SteadyLoad(stage, clients);
    }

    public Task WaitForAsync(int more)
    {
        var wanted = _answered.Count + more;
        return Eventually.TrueAsync(() => _asking.IsFaulted || _answered.Count >= wanted, $"{more} more requests", TimeSpan.FromSeconds(60));
    }

    public Task StopAsync()
    {
        _isStopping = true;
        return _asking;
    }

    private async Task AskAsync(int client)
    {
        using var timer = new PeriodicTimer(Pace);
        for (var i = 0; !_isStopping; i++)
        {
            var id = string.Create(CultureInfo.InvariantCulture, $"load-{client}-{i}");
            var answer = await _stage.AskAsync(ProductionStage.Body(isStreaming: i % 2 == 0, id), ("X-Request-Id", id));
            _answered[id] = answer.Status;
            await timer.WaitForNextTickAsync();
        }
    }
}
