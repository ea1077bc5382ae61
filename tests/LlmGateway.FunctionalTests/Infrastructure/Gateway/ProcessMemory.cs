using System.Globalization;

namespace LlmGateway.FunctionalTests.Infrastructure;

/// <summary>What the kernel says of a process.</summary>
internal static class ProcessMemory
{
    /// <summary>Resident bytes.</summary>
    public static long Resident(int process) => Field(process, "VmRSS:") * 1024;

    public static long Threads(int process) => Field(process, "Threads:");

    public static int Sockets(int process) => Directory.GetFiles($"/proc/{process}/fd").Length;

    private static long Field(int process, string name) => long.Parse(
        File.ReadLines($"/proc/{process}/status").Single(line => line.StartsWith(name, StringComparison.Ordinal))[name.Length..].Replace("kB", "", StringComparison.Ordinal).Trim(), CultureInfo.InvariantCulture);
}
