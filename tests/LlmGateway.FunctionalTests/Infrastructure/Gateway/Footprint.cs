using System.Globalization;

namespace LlmGateway.FunctionalTests.Infrastructure;

/// <summary>What a gateway's process holds once all its garbage has been collected.</summary>
/// <param name="Heap">Bytes of objects that are alive.</param>
/// <param name="Resident">Bytes that the process has in memory.</param>
internal sealed record Footprint(double Heap, double Resident, long Threads, long OpenFiles, double Timers)
{
    private const int Collections = 3;
    private const int MostRounds = 15;

    /// <summary>How many rounds of warming up in a row must bring no growth.</summary>
    private const int LevelRounds = 2;

    /// <summary>Growth in a round of warming up, in percent, that counts as none.</summary>
    private const double Level = 1;

    /// <summary>By how many threads, open files and timers it may differ.</summary>
    private const int Slack = 5;

    /// <summary>Longer than the gateway keeps an idle connection, and pools keep a thread or a buffer that nobody asks for.</summary>
    private static readonly TimeSpan Idle = TimeSpan.FromSeconds(90);

    /// <summary>
    /// Works on until memory has stopped growing: what is compiled, pooled and kept once is there. One round that brings nothing proves little,
    /// as memory grows by leaps; and what was resident once may be so again.
    /// </summary>
    public static async Task<Footprint> WhenLevelAsync(GatewayProcess gateway, Func<Task> work, CancellationToken cancellation)
    {
        await work();
        var most = await ReadAsync(gateway, cancellation);
        for (var (round, level) = (0, 0); round < MostRounds; round++)
        {
            await work();
            var next = await ReadAsync(gateway, cancellation);
            level = next.HeapGrowth(most) < Level && next.ResidentGrowth(most) < Level ? level + 1 : 0;
            most = next with { Heap = Math.Max(most.Heap, next.Heap), Resident = Math.Max(most.Resident, next.Resident) };
            if (level == LevelRounds)
            {
                return next with { Resident = most.Resident };
            }
        }

        throw new InvalidOperationException($"Memory goes on growing: {most}.");
    }

    /// <summary>
    /// Reads it again once it is level with <paramref name="before"/>: as many threads, open files and timers, give or take a few, and no more
    /// memory than it may have grown by. What a pool has kept goes in time, what has leaked stays, however often garbage is collected.
    /// </summary>
    /// <param name="before">What it was.</param>
    /// <param name="mostHeapGrowth">Of the live heap, in percent.</param>
    /// <param name="mostResidentGrowth">Of resident memory, in percent.</param>
    /// <param name="gateway">The process.</param>
    /// <param name="cancellation">Of the test.</param>
    /// <exception cref="TimeoutException">It stays more, or fewer.</exception>
    public static async Task<Footprint> BackAtAsync(Footprint before, double mostHeapGrowth, double mostResidentGrowth, GatewayProcess gateway, CancellationToken cancellation)
    {
        Footprint now = before;
        try
        {
            await Eventually.AnswersAsync<bool>(
                async () => (now = await ReadAsync(gateway, cancellation)).IsAsManyAs(before) && now.HeapGrowth(before) < mostHeapGrowth && now.ResidentGrowth(before) < mostResidentGrowth ? true : null,
                $"a footprint as it was ({before})",
                Idle);
        }
        catch (TimeoutException timeout)
        {
            throw new TimeoutException(FormattableString.Invariant($"{timeout.Message} It is {now}: {now.HeapGrowth(before):+0.0;-0.0} % live heap, {now.ResidentGrowth(before):+0.0;-0.0} % resident."), timeout);
        }

        return now;
    }

    public static async Task<Footprint> ReadAsync(GatewayProcess gateway, CancellationToken cancellation)
    {
        // What a finalizer lets go of is garbage for the next collection, and memory is given back step by step: the least is what is held.
        var resident = double.MaxValue;
        MetricsPage page = null!;
        for (var i = 0; i < Collections; i++)
        {
            page = await CollectAsync(gateway, cancellation);
            resident = Math.Min(resident, ProcessMemory.Resident(gateway.Id));
        }

        return new Footprint(
            page.Sum("dotnet_gc_last_collection_heap_size_bytes") - page.Sum("dotnet_gc_last_collection_heap_fragmentation_size_bytes"),
            resident,
            ProcessMemory.Threads(gateway.Id),
            ProcessMemory.Sockets(gateway.Id),
            page.Sum("dotnet_timer_count"));
    }

    /// <summary>Growth of the live heap in percent.</summary>
    public double HeapGrowth(Footprint before) => (Heap - before.Heap) * 100 / before.Heap;

    /// <summary>Growth of resident memory in percent.</summary>
    public double ResidentGrowth(Footprint before) => (Resident - before.Resident) * 100 / before.Resident;

    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{Heap / (1 << 20):0.00} MiB of live heap, {Resident / (1 << 20):0.0} MiB resident, {Threads} threads, {OpenFiles} open files, {Timers} timers");

    private bool IsAsManyAs(Footprint before) =>
        Math.Abs(Threads - before.Threads) <= Slack && Math.Abs(OpenFiles - before.OpenFiles) <= Slack && Math.Abs(Timers - before.Timers) <= Slack;

    private static async Task<MetricsPage> CollectAsync(GatewayProcess gateway, CancellationToken cancellation)
    {
        var before = FullCollections(await PageAsync(gateway, cancellation));
        await DiagnosticPort.CollectGarbageAsync(gateway.Id, cancellation);
        MetricsPage page = null!;
        await Eventually.AnswersAsync<bool>(async () => FullCollections(page = await PageAsync(gateway, cancellation)) > before ? true : null, "all garbage to be collected");
        return page;
    }

    private static async Task<MetricsPage> PageAsync(GatewayProcess gateway, CancellationToken cancellation) =>
        MetricsPage.Parse(await gateway.Client.GetStringAsync(new Uri("/metrics", UriKind.Relative), cancellation));

    private static double FullCollections(MetricsPage page) => page.Sum("dotnet_gc_collections_total", ("gc_heap_generation", "gen2"));
}
