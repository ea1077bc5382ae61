namespace LlmGateway.Configuration;

/// <summary>Replaces a configuration file in one step: whoever reads it sees the old content or the new one, never half of it.</summary>
internal static class AtomicFile
{
    /// <summary>The answer when somebody else has changed the file: nothing was done, and another look at it is worth while.</summary>
    public const string ChangedMeanwhile = "it was changed meanwhile; try again";

    /// <param name="path">The file; a link stays a link, and what it leads to is replaced.</param>
    /// <param name="content">All of the new content.</param>
    /// <param name="isUnchanged">Asked last of all: false means that somebody else has changed the file, and nothing is done.</param>
    /// <returns>Why it was not replaced; null: it was.</returns>
    public static string? Replace(string path, byte[] content, Func<bool> isUnchanged)
    {
        var target = ResolvedPath.Of(path);
        var folder = Path.GetDirectoryName(target)!;
        var temporary = Path.Combine(folder, $".{Path.GetFileName(target)}.{Guid.NewGuid():N}.tmp");
        try
        {
            Directory.CreateDirectory(folder);
            var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
            using (var stream = new FileStream(temporary, options))
            {
                stream.Write(content);
                stream.Flush(flushToDisk: true);
            }

            if (!OperatingSystem.IsWindows() && File.Exists(target))
            {
                File.SetUnixFileMode(temporary, File.GetUnixFileMode(target));
            }

            if (!isUnchanged())
            {
                File.Delete(temporary);
                return ChangedMeanwhile;
            }

            File.Move(temporary, target, overwrite: true);
            return null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            TryDelete(temporary);
            return exception is UnauthorizedAccessException ? "it may not be written (permissions)" : "it cannot be written (read-only, or no space left)";
        }
    }

    private static void TryDelete(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // Its folder is what could not be written.
        }
    }
}
