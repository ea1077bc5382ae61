namespace LlmGateway.Configuration;

/// <summary>
/// A path with every symbolic link in it followed, directories too: Kubernetes swaps a ConfigMap by turning the link <c>..data</c>,
/// a directory, to another place, which the file's own link does not show.
/// </summary>
internal static class ResolvedPath
{
    private const int MaxLinks = 40;

    public static string Of(string path)
    {
        try
        {
            return Follow(Path.GetFullPath(path));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return path;
        }
    }

    private static string Follow(string path)
    {
        var root = Path.GetPathRoot(path) ?? "";
        var left = new Stack<string>(Split(path[root.Length..]).Reverse());
        var resolved = root;
        var links = 0;
        while (left.TryPop(out var part))
        {
            var next = Path.GetFullPath(Path.Combine(resolved, part));
            if (new FileInfo(next).LinkTarget is not { } target || ++links > MaxLinks)
            {
                resolved = next;
                continue;
            }

            var absolute = Path.GetFullPath(target, resolved);
            resolved = Path.GetPathRoot(absolute) ?? "";
            foreach (var piece in Split(absolute[resolved.Length..]).Reverse())
            {
                left.Push(piece);
            }
        }

        return resolved;
    }

    private static string[] Split(string path) =>
        path.Split([Path.DirectorySeparatorChar, Path.AltDirectorySeparatorChar], StringSplitOptions.RemoveEmptyEntries);
}
