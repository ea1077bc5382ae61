using System.Globalization;
using System.Runtime.InteropServices;

namespace LlmGateway.FunctionalTests.Infrastructure;

/// <summary>A gateway's working directory: a temporary one with the three configuration files, removed when done.</summary>
internal sealed class GatewayFolder : IDisposable
{
    public const string Agents = "agent_llm_config.json";
    public const string Settings = "llm_settings.yaml";
    public const string Keys = "gateway_keys.json";

    private int _generation;

    public GatewayFolder()
    {
        Path = Directory.CreateTempSubdirectory("llmgateway-test-").FullName;
        Directory.CreateDirectory(ConfigPath);
    }

    public string Path { get; }

    public string ConfigPath => System.IO.Path.Combine(Path, "config");

    public string File(string name) => System.IO.Path.Combine(ConfigPath, name);

    public void Rewrite(string name, string content, RewriteKind kind = RewriteKind.InPlace)
    {
        switch (kind)
        {
            case RewriteKind.InPlace:
                System.IO.File.WriteAllText(File(name), content);
                break;
            case RewriteKind.AtomicRename:
                System.IO.File.WriteAllText(File(name) + ".new", content);
                System.IO.File.Move(File(name) + ".new", File(name), overwrite: true);
                break;
            default:
                SwapConfigMap(name, content);
                break;
        }
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);

    /// <summary>What the kubelet does: a new time-stamped folder with all files, a new link to it, the link renamed over <c>..data</c>.</summary>
    private void SwapConfigMap(string name, string content)
    {
        var data = File("..data");
        var previous = Directory.Exists(data) ? Directory.ResolveLinkTarget(data, returnFinalTarget: true)!.FullName : null;
        var generation = string.Create(CultureInfo.InvariantCulture, $"..2026_10_01_{++_generation:0000}");
        Directory.CreateDirectory(File(generation));
        foreach (var file in Directory.GetFiles(previous ?? ConfigPath))
        {
            System.IO.File.Copy(file, System.IO.Path.Combine(File(generation), System.IO.Path.GetFileName(file)));
        }

        System.IO.File.WriteAllText(System.IO.Path.Combine(File(generation), name), content);
        System.IO.File.CreateSymbolicLink(File("..data_tmp"), generation);
        if (Rename(File("..data_tmp"), data) != 0)
        {
            throw new IOException($"rename: error {Marshal.GetLastPInvokeError()}");
        }

        foreach (var file in Directory.GetFiles(data).Select(file => System.IO.Path.GetFileName(file)))
        {
            if (new FileInfo(File(file)).LinkTarget is null)
            {
                // The first swap: the plain file gives way to a link of the same name.
                System.IO.File.CreateSymbolicLink(File(file) + ".link", System.IO.Path.Combine("..data", file));
                System.IO.File.Move(File(file) + ".link", File(file), overwrite: true);
            }
        }

        if (previous is not null)
        {
            Directory.Delete(previous, recursive: true);
        }
    }

    // File.Move takes a link to a folder for the folder.
    [DllImport("libc", EntryPoint = "rename", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Rename([MarshalAs(UnmanagedType.LPUTF8Str)] string from, [MarshalAs(UnmanagedType.LPUTF8Str)] string to);
}
