using System.Runtime.CompilerServices;

namespace LlmGateway.Tests.Deployment;

/// <summary>The repository that the tests were built from.</summary>
internal static class Repository
{
    private static readonly string Root = Find();

    public static string PathOf(string path) => Path.GetFullPath(path, Root);

    public static string ReadText(string path) => File.ReadAllText(PathOf(path));

    private static string Find([CallerFilePath] string path = "") => Path.GetFullPath("../../..", Path.GetDirectoryName(path)!);
}
