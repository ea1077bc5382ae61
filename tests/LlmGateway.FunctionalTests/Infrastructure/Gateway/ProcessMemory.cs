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
    public static TimeSpan WaitedForCore(int process) => Scheduled($"/proc/{process}/schedstat").Waited;

    /// <summary>How long this thread has had a core, and how long it has been ready to run while others had the cores.</summary>
    public static (TimeSpan Ran, TimeSpan Waited) ThisThread() => Scheduled("/proc/thread-self/schedstat");

    /// <summary>How much processor time all its threads have had, in user and in kernel mode; the kernel counts it in hundredths of a second.</summary>
    public static TimeSpan ProcessorTime(int process) => TimeSpan.FromMilliseconds(10 * (Status(process, 14) + Status(process, 15)));

    /// <summary>When it was started, in hundredths of a second since the machine was.</summary>
    public static long StartTime(int process) => Status(process, 22);

    /// <summary>Whether a signal keeps it from running.</summary>
    public static bool IsStopped(int process) => File.ReadLines($"/proc/{process}/status").Any(line => line.StartsWith("State:\tT", StringComparison.Ordinal));

    /// <param name="process">The process.</param>
    /// <param name="field">Its number in proc(5), from 4 on.</param>
    private static long Status(int process, int field)
    {
        // The name, second of the fields, stands in brackets and may hold anything.
        var stat = File.ReadAllText($"/proc/{process}/stat");
        return long.Parse(stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[field - 3], CultureInfo.InvariantCulture);
    }

    private static (TimeSpan Ran, TimeSpan Waited) Scheduled(string schedstat)
    {
        var nanoseconds = Array.ConvertAll(File.ReadAllText(schedstat).Split(' '), text => long.Parse(text, CultureInfo.InvariantCulture));
        return (TimeSpan.FromMicroseconds(nanoseconds[0] / 1000), TimeSpan.FromMicroseconds(nanoseconds[1] / 1000));
    }

    private static long Field(int process, string name) => long.Parse(
        File.ReadLines($"/proc/{process}/status").Single(line => line.StartsWith(name, StringComparison.Ordinal))[name.Length..].Replace("kB", "", StringComparison.Ordinal).Trim(), CultureInfo.InvariantCulture);
}
