using System.Globalization;

namespace LlmGateway;

/// <summary>
/// How many files and sockets the system lets this process have open. Below what the runtime itself needs it would end in the middle of
/// loading its own assemblies, with an exception that names one of them and not the cause.
/// </summary>
internal static class OpenFileLimit
{
    /// <summary>The process's exit code.</summary>
    public const int ExitCode = 1;

    /// <summary>A start opens some 220; each request that runs takes two more.</summary>
    public const int Least = 320;

    private const string Limits = "/proc/self/limits";
    private const string Row = "Max open files";

    /// <summary>What is wrong, in a sentence; null: nothing, or this system does not say.</summary>
    public static string? Describe() => File.Exists(Limits) ? Describe(File.ReadAllText(Limits)) : null;

    /// <param name="limits">The text of <c>/proc/self/limits</c>.</param>
    public static string? Describe(string limits)
    {
        var start = limits.IndexOf(Row, StringComparison.Ordinal);
        if (start < 0)
        {
            return null;
        }

        var soft = limits[(start + Row.Length)..].Split(' ', 2, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)[0];
        return int.TryParse(soft, NumberStyles.None, CultureInfo.InvariantCulture, out var limit) && limit < Least
            ? $"The gateway cannot start: the system lets it open {limit} files, and it needs {Least} at the very least, two for each request that runs at the same time. Raise the limit (ulimit -n, LimitNOFILE of systemd, --ulimit nofile of Docker), to 65536 say."
            : null;
    }
}
