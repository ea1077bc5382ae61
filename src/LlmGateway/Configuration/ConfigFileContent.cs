using System.Security.Cryptography;

namespace LlmGateway.Configuration;

/// <summary>One file as it was at one moment: its bytes, or why there are none, and a fingerprint to tell moments apart.</summary>
internal sealed record ConfigFileContent(ConfigFileLocation Location, ConfigFileState State, byte[] Bytes, ReadFailure? Failure, string Fingerprint)
{
    public const int MaxBytes = 1024 * 1024;

    public bool IsSameAs(ConfigFileContent other) => string.Equals(Fingerprint, other.Fingerprint, StringComparison.Ordinal);

    /// <summary>Reads the file. The path is resolved on both sides of the read: a link swapped meanwhile makes a moment of its own.</summary>
    public static ConfigFileContent Read(ConfigFileLocation location)
    {
        var before = ResolvedPath.Of(location.Path);
        var written = LastWrite(before);
        var state = TryReadBytes(location.Path, out var bytes, out var failure);
        var after = ResolvedPath.Of(location.Path);
        var hash = state == ConfigFileState.Read ? Convert.ToHexString(SHA256.HashData(bytes)) : failure?.Reason;
        return new ConfigFileContent(location, state, bytes, failure, $"{state}|{before}|{after}|{written}|{bytes.Length}|{hash}");
    }

    /// <summary>Reads at most <see cref="MaxBytes"/>; what is in the way is told only of a file that is there.</summary>
    public static ConfigFileState TryReadBytes(string path, out byte[] bytes, out ReadFailure? failure)
    {
        bytes = [];
        failure = null;
        try
        {
            if (Directory.Exists(path))
            {
                failure = ReadFailure.Directory;
                return ConfigFileState.Unreadable;
            }

            using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            var buffer = new byte[Math.Min(stream.Length, MaxBytes) + 1];
            var length = stream.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false);
            if (stream.Length > MaxBytes)
            {
                failure = ReadFailure.TooLarge;
                return ConfigFileState.Unreadable;
            }

            if (length > stream.Length)
            {
                // A device says that it is empty and gives bytes without end; a file that grows is judged when it has come to rest.
                failure = ReadFailure.NotOrdinary;
                return ConfigFileState.Unreadable;
            }

            bytes = buffer[..length];
            return ConfigFileState.Read;
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            return ConfigFileState.Missing;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            failure = exception is UnauthorizedAccessException ? ReadFailure.Forbidden : ReadFailure.Other;
            return ConfigFileState.Unreadable;
        }
    }

    private static long LastWrite(string path)
    {
        try
        {
            return File.GetLastWriteTimeUtc(path).Ticks;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return 0;
        }
    }
}
