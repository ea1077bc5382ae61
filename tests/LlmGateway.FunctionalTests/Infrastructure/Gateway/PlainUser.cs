using System.Diagnostics;

namespace LlmGateway.FunctionalTests.Infrastructure;

/// <summary>
/// The user of the image, who has no rights of his own: no file is closed to root, whatever its mode says. Where the tests are not root's, their
/// own user is such a one already.
/// </summary>
internal static class PlainUser
{
    public const string Id = "1654";

    /// <summary>A command that this user runs.</summary>
    public static ProcessStartInfo StartInfo(string folder, params IEnumerable<string> command)
    {
        var whole = Command(command);
        return new ProcessStartInfo(whole[0], whole.Skip(1)) { WorkingDirectory = folder };
    }

    /// <summary>The same as a command's words.</summary>
    public static IReadOnlyList<string> Command(params IEnumerable<string> command) =>
        Environment.IsPrivilegedProcess ? ["setpriv", "--reuid", Id, "--regid", Id, "--clear-groups", "--no-new-privs", .. command] : [.. command];

    /// <summary>Gives a folder and what is in it to this user.</summary>
    public static async Task OwnAsync(string folder)
    {
        if (Environment.IsPrivilegedProcess)
        {
            await ServerProcess.RunAsync(folder, "chown", "--recursive", $"{Id}:{Id}", folder);
        }
    }

    /// <summary>Asks the system itself.</summary>
    public static Task<bool> MayReadAsync(string path) => TestAsync("-r", path);

    /// <inheritdoc cref="MayReadAsync"/>
    public static Task<bool> MayWriteAsync(string path) => TestAsync("-w", path);

    private static async Task<bool> TestAsync(string right, string path)
    {
        using var limit = new CancellationTokenSource(Eventually.DefaultLimit);
        using var process = Process.Start(StartInfo("/", "test", right, path))!;
        await process.WaitForExitAsync(limit.Token);
        return process.ExitCode == 0;
    }
}
