namespace LlmGateway.Configuration;

/// <summary>
/// Whose turn it is to change a file that several gateways share: an empty file beside it that one process at a time holds open. It stays
/// when it is let go, and a process that dies lets it go. It binds gateways alone; an editor does not ask for it.
/// </summary>
internal static class SharedFileLock
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);

    /// <summary>Waits for the lock. Where none can be made (a folder that may not be written) there is none to hold, and no change can be made either.</summary>
    /// <param name="path">The file that is to be changed; a link leads to the lock of what it leads to.</param>
    /// <param name="time">The clock of the wait.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>What is to be disposed to let the lock go, and whether it was held by others all the time.</returns>
    public static async ValueTask<(IDisposable? Held, bool IsBusy)> TakeAsync(string path, TimeProvider time, CancellationToken cancellationToken)
    {
        var target = ResolvedPath.Of(path);
        var name = Path.Combine(Path.GetDirectoryName(target)!, $".{Path.GetFileName(target)}.lock");
        var started = time.GetTimestamp();
        while (true)
        {
            try
            {
                Directory.CreateDirectory(Path.GetDirectoryName(name)!);
                return (new FileStream(name, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None), false);
            }
            catch (IOException exception) when (IsHeld(exception))
            {
                if (time.GetElapsedTime(started) > Limit)
                {
                    return (null, true);
                }
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or NotSupportedException)
            {
                return (null, false);
            }

            await Task.Delay(Pause, time, cancellationToken);
        }
    }

    /// <summary>EWOULDBLOCK of Linux and of macOS, and Windows' sharing violation.</summary>
    private static bool IsHeld(IOException exception) => exception.HResult is 11 or 35 or unchecked((int)0x80070020);
}
