namespace LlmGateway.FunctionalTests.Infrastructure;

/// <summary>Where one gateway's <see cref="TraceLog"/> stands until it is over; then it is searched for the gateway's secrets, and kept with the run's output.</summary>
internal sealed class TraceFile : IDisposable
{
    /// <summary>Names the file to a gateway in a process of its own.</summary>
    public const string Variable = "TEST_TRACE_LOG";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("llmgateway-trace-");

    public TraceFile()
    {
        // A gateway may run as another user than the tests.
        File.WriteAllText(Path, "");
        Allow(_folder.FullName, UnixFileMode.OtherExecute);
        Allow(Path, UnixFileMode.OtherWrite);
    }

    public string Path => System.IO.Path.Combine(_folder.FullName, "trace.log");

    /// <summary>Once the gateway is over.</summary>
    /// <param name="name">What the kept file's name begins with.</param>
    /// <param name="variables">Those of the gateway, with its secrets.</param>
    /// <param name="kept">Where the run's output is kept; null where nobody asks for it.</param>
    /// <param name="hasStarted">Whether it ever listened, and so had something to say.</param>
    public void Finish(string name, IEnumerable<KeyValuePair<string, string>> variables, KeptOutput? kept, bool hasStarted)
    {
        var text = ReadAll();
        if (hasStarted && text.Length == 0)
        {
            throw new InvalidOperationException("The gateway ran, and nothing of it was traced.");
        }

        kept?.Keep(name, text);
        SecretScan.AssertNone(variables, text);
    }

    public void Dispose() => _folder.Delete(recursive: true);

    /// <summary>What has been traced so far.</summary>
    public string ReadAll()
    {
        using var file = new FileStream(Path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using var text = new StreamReader(file);
        return text.ReadToEnd();
    }

    private static void Allow(string path, UnixFileMode more)
    {
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(path, File.GetUnixFileMode(path) | more);
        }
    }
}
