using System.Collections.Concurrent;
using LlmGateway.Database;
using LlmGateway.Usage;

namespace LlmGateway.Tests.Usage;

/// <summary>A ledger that fails as often as it is told.</summary>
internal sealed class ScriptedLedger : IUsageLedger
{
    private int _failures;

    public ConcurrentQueue<int> Batches { get; } = new();

    public int Written => Batches.Sum();

    /// <summary>What a batch with this record is answered with.</summary>
    public Guid? Poison { get; set; }

    /// <summary>What happens while the first batch is being written.</summary>
    public Action? DuringFirst { get; set; }

    public TaskCompletionSource FirstFailure { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public TaskCompletionSource FirstWrite { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public void FailNext(int count) => _failures = count;

    public Task WriteAsync(IReadOnlyList<RequestRecord> batch, CancellationToken cancellationToken)
    {
        if (_failures > 0)
        {
            _failures--;
            FirstFailure.TrySetResult();
            return Task.FromException(new DatabaseUnavailableException("scripted"));
        }

        if (batch.Any(record => record.Id == Poison))
        {
            return Task.FromException(new InvalidCastException("scripted"));
        }

        if (Batches.IsEmpty)
        {
            DuringFirst?.Invoke();
        }

        Batches.Enqueue(batch.Count);
        FirstWrite.TrySetResult();
        return Task.CompletedTask;
    }

    public Task<IReadOnlyList<RequestRecord>> LatestAsync(int limit, Guid? before, CancellationToken cancellationToken) => Task.FromResult<IReadOnlyList<RequestRecord>>([]);

    public Task<IReadOnlyList<UsageSum>> SumAsync(UsageGrouping grouping, DateTimeOffset first, DateTimeOffset end, CancellationToken cancellationToken) => Task.FromResult<IReadOnlyList<UsageSum>>([]);
}
