using LlmGateway.Database;
using LlmGateway.Model;
using LlmGateway.Telemetry;
using LlmGateway.Usage;
using LlmGateway.Usage.Journal;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace LlmGateway.Tests.Usage;

/// <summary>One process' journal with its writer, in a folder that several may share.</summary>
internal sealed class JournalStage : IDisposable
{
    public static readonly UsageWriterOptions Quick = new() { Gather = TimeSpan.FromMilliseconds(1), FirstRetry = TimeSpan.FromMilliseconds(1), MaxRetry = TimeSpan.FromMilliseconds(1) };

    public JournalStage(string folder, long mostBytes = 1L << 30, int segmentBytes = 1 << 20, TimeProvider? time = null, int memory = UsageQueue.DefaultCapacity, TimeSpan holdRecords = default)
    {
        Time = time ?? TimeProvider.System;
        Options = new() { Folder = folder, MostBytes = mostBytes, SegmentBytes = segmentBytes, HoldRecords = holdRecords };
        Memory = new(memory);
        Lost = new(Metrics);
        Writer = new(Options, new(folder), Memory, Lost, Time, NullLogger<JournalWriter>.Instance);
        Journal = new(Writer, Time);
    }

    public TimeProvider Time { get; }

    public GatewayMetrics Metrics { get; } = new();

    public JournalOptions Options { get; }

    public UsageQueue Memory { get; }

    public LostRecords Lost { get; }

    public JournalWriter Writer { get; }

    public UsageJournal Journal { get; }

    public UsageWriter Carrier(IUsageLedger ledger, ILogger<UsageWriter>? logger = null, UsageWriterOptions? options = null) =>
        new(Writer, new(Options.Folder), Options, Memory, Lost, ledger, Metrics, Time, logger ?? NullLogger<UsageWriter>.Instance, options ?? Quick);

    public UsageRecorder Recorder(IDatabase database) => new(Journal, database, Metrics, Time);

    /// <summary>What is in the files now, as the process that owns them reads it.</summary>
    public JournalTail Tail()
    {
        var tail = new JournalTail(keepsCalls: true, Time);
        while (Writer.TryTakeOpened(out var segment))
        {
            tail.Add(segment!);
        }

        return tail;
    }

    public static DispatchedCall Call(Guid? recordId = null, int index = 0) => new()
    {
        RecordId = recordId ?? Guid.CreateVersion7(),
        Index = index,
        Time = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero),
        RequestId = "r-1",
        Key = "crm",
        Department = "sales",
        Agent = "writer",
        Strategy = "single",
        Endpoint = "/v1/chat/completions",
        IsStreaming = true,
        Provider = "p",
        Model = "m",
        Role = AttemptRole.Answer,
        InputTokens = 100,
        CostMicroUsd = 250,
    };

    /// <summary>As the end of the process would: the lock goes, the files stay.</summary>
    public void Dispose() => Writer.Dispose();
}
