using System.Globalization;

namespace LlmGateway.FunctionalTests.Infrastructure;

/// <summary>What the kernel says of a process.</summary>
internal static class ProcessMemory
{
    /// <summary>Resident bytes.</summary>
    public static long Resident(int process) => Field(process, "VmRSS:") * 1024;

    public static long Threads(int process) => Field(process, "Threads:");

    public static int Sockets(int process) => Directory.GetFiles($"/proc/{process}/fd").Length;

    /// <summary>How long its first thread has been ready to run while others had the cores; at a start, the one that the others wait for.</summary>
    public static TimeSpan WaitedForCore(int process)
    {
        var nanoseconds = long.Parse(File.ReadAllText($"/proc/{process}/schedstat").Split(' ')[1], CultureInfo.InvariantCulture);
        return TimeSpan.FromMicroseconds(nanoseconds / 1000);
    }

    /// <summary>Whether a signal keeps it from running.</summary>
    public static bool IsStopped(int process) => File.ReadLines($"/proc/{process}/status").Any(line => line.StartsWith("State:\tT", StringComparison.Ordinal));

    private static long Field(int process, string name) => long.Parse(
        File.ReadLines($"/proc/{process}/status").Single(line => line.StartsWith(name, StringComparison.Ordinal))[name.Length..].Replace("kB", "", StringComparison.Ordinal).Trim(), CultureInfo.InvariantCulture);
}
