using System.Globalization;

namespace LlmGateway.Lifecycle;

/// <summary>How much the garbage-collected heap may hold, where somebody has said so.</summary>
internal static class HeapLimit
{
    private const string HardLimit = "GCHeapHardLimit";
    private const string PhysicalMemory = "/proc/meminfo";

    /// <summary>
    /// Bytes; null: none is set. Only a hard limit or a container's ends in this process' death alone; without one the machine's memory is
    /// shared with others, and how full it is says nothing of the gateway.
    /// </summary>
    public static long? Find()
    {
        var available = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
        var isSet = GC.GetConfigurationVariables().TryGetValue(HardLimit, out var limit) && Convert.ToInt64(limit, CultureInfo.InvariantCulture) > 0;
        return isSet || available < Physical() ? available : null;
    }

    /// <summary>Bytes of the machine; nothing where the system does not tell.</summary>
    private static long Physical()
    {
        if (!File.Exists(PhysicalMemory))
        {
            return 0;
        }

        var total = File.ReadLines(PhysicalMemory).FirstOrDefault(line => line.StartsWith("MemTotal:", StringComparison.Ordinal)) ?? "MemTotal:";
        return long.TryParse(total["MemTotal:".Length..].Replace("kB", "", StringComparison.Ordinal), NumberStyles.AllowLeadingWhite | NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture, out var kilobytes)
            ? kilobytes * 1024
            : 0;
    }
}
