using System.Diagnostics;
using System.Runtime.InteropServices;

namespace LlmGateway.FunctionalTests.Infrastructure;

/// <summary>Starts the programs of a store. PostgreSQL refuses to run as root, so root lends them the user of the Debian package.</summary>
internal static class StoreUser
{
    private const string PostgresUser = "postgres";

    public static bool IsRoot { get; } = GetEuid() == 0;

    /// <summary>Whether the program must be run as somebody else.</summary>
    public static ProcessStartInfo StartInfo(string program, string folder, params string[] arguments)
    {
        var start = new ProcessStartInfo(IsRoot ? "setpriv" : program)
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
            UseShellExecute = false,
        };
        string[] prefix = IsRoot ? ["--reuid", PostgresUser, "--regid", PostgresUser, "--clear-groups", "--", program] : [];
        foreach (var argument in prefix.Concat(arguments))
        {
            start.ArgumentList.Add(argument);
        }

        start.Environment["LC_ALL"] = "C";
        return start;
    }

    /// <summary>A new temporary folder that the store's user owns.</summary>
    public static async Task<string> CreateFolderAsync(string prefix)
    {
        var folder = Directory.CreateTempSubdirectory(prefix).FullName;
        if (IsRoot)
        {
            await RunAsync(new ProcessStartInfo("chown", [PostgresUser, folder]) { RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true });
        }

        return folder;
    }

    /// <summary>Runs a program to its end.</summary>
    public static async Task RunAsync(ProcessStartInfo start)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        using var process = Process.Start(start)!;
        process.StandardInput.Close();
        var texts = await Task.WhenAll(process.StandardOutput.ReadToEndAsync(limit.Token), process.StandardError.ReadToEndAsync(limit.Token));
        await process.WaitForExitAsync(limit.Token);
        if (process.ExitCode != 0)
        {
            throw new InvalidOperationException($"{start.FileName} {string.Join(' ', start.ArgumentList)} ended with {process.ExitCode}:\n{string.Concat(texts)}");
        }
    }

    [DllImport("libc", EntryPoint = "geteuid")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern uint GetEuid();
}
