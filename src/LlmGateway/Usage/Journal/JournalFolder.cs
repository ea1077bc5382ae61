using System.Globalization;

namespace LlmGateway.Usage.Journal;

/// <summary>
/// The folder that the journals of several processes share. Each process has a name, files of its own under that name, and a lock file that
/// the system gives up when the process dies: only then are its files another's.
/// </summary>
internal sealed class JournalFolder(string path)
{
    private const string LockEnding = ".lock";
    private const string SegmentEnding = ".journal";

    /// <summary>Held while a process takes a name or another's files, so that no name is taken for abandoned that is just being taken.</summary>
    private const string FolderLock = "folder" + LockEnding;

    /// <summary>Takes a new name for as long as the answer is not disposed.</summary>
    public JournalOwner Enter()
    {
        Directory.CreateDirectory(path);
        using var folder = LockFolder();
        var name = Guid.NewGuid().ToString("n", CultureInfo.InvariantCulture)[..12];
        return new JournalOwner(path, name, OpenLock(Path.Combine(path, name + LockEnding), FileMode.CreateNew));
    }

    /// <summary>Takes the files of one process that has died; null where there is none.</summary>
    public JournalOwner? TakeOrphan()
    {
        if (!Directory.Exists(path) || Directory.GetFiles(path, "*" + LockEnding).All(file => Path.GetFileName(file) == FolderLock))
        {
            return null;
        }

        using var folder = LockFolder();
        foreach (var file in Directory.GetFiles(path, "*" + LockEnding).Where(file => Path.GetFileName(file) != FolderLock).Order(StringComparer.Ordinal))
        {
            if (TryLock(file) is { } held)
            {
                return new JournalOwner(path, Path.GetFileNameWithoutExtension(file), held);
            }
        }

        return null;
    }

    internal static string SegmentPath(string folder, string owner, int number) =>
        Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"{owner}-{number:00000000}{SegmentEnding}"));

    internal static string[] SegmentPaths(string folder, string owner) =>
        [.. Directory.GetFiles(folder, owner + "-*" + SegmentEnding).Order(StringComparer.Ordinal)];

    internal static string LockPath(string folder, string owner) => Path.Combine(folder, owner + LockEnding);

    private static FileStream? TryLock(string file)
    {
        try
        {
            return OpenLock(file, FileMode.Open);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // Its process lives, or has just tidied up.
            return null;
        }
    }

    private static FileStream OpenLock(string file, FileMode mode) => new(file, mode, FileAccess.ReadWrite, FileShare.None, bufferSize: 1);

    private FileStream LockFolder()
    {
        // Others hold it for a few file operations.
        for (var tries = 0; ; tries++)
        {
            try
            {
                return OpenLock(Path.Combine(path, FolderLock), FileMode.OpenOrCreate);
            }
            catch (IOException) when (tries < 10_000 && Directory.Exists(path))
            {
                Thread.Yield();
            }
        }
    }
}
