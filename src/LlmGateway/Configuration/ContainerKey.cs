using System.Buffers.Text;
using System.Security.Cryptography;

namespace LlmGateway.Configuration;

/// <summary>
/// The client key that a development container makes for itself: it must listen at all addresses to be reached at all,
/// and an open gateway is nothing to start by default. Kept in <c>data/gateway.key</c>, so that restarts keep it.
/// </summary>
/// <param name="Key">The key in the clear.</param>
/// <param name="Path">Where it is kept.</param>
/// <param name="IsNew">Whether it was made just now, and so is to be printed this once.</param>
public sealed record ContainerKey(string Key, string Path, bool IsNew)
{
    private const string Prefix = "sk-gw-";

    /// <summary>Whether the rules ask for such a key: a development container, reachable, without keys.</summary>
    public static bool IsWanted(HostSettings host, bool isExposed, int clientKeys) =>
        host is { IsInContainer: true, IsDevelopment: true, IsAuthOff: false } && isExposed && clientKeys == 0;

    /// <summary>Reads the kept key, or makes and keeps one.</summary>
    public static ContainerKey Obtain(string workingDirectory)
    {
        var path = System.IO.Path.Combine(workingDirectory, "data", "gateway.key");
        if (File.Exists(path) && File.ReadAllText(path).Trim() is { Length: > 20 } kept && kept.StartsWith(Prefix, StringComparison.Ordinal) && Names.IsSecret(kept))
        {
            return new ContainerKey(kept, path, IsNew: false);
        }

        var key = Prefix + Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(path)!);
        File.Delete(path);
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
        {
            // The mode is set on creation: there is no moment at which others could read it.
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        }

        using var writer = new StreamWriter(path, options);
        writer.WriteLine(key);
        return new ContainerKey(key, path, IsNew: true);
    }

    public override string ToString() => Path;
}
