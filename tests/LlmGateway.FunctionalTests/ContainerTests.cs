using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Runtime.CompilerServices;
using System.Runtime.Versioning;
using System.Text;
using LlmGateway.FunctionalTests.Infrastructure;

namespace LlmGateway.FunctionalTests;

/// <summary>
/// What the image holds, run as the image would run it: the published files where nobody may write, a user without rights or home, one
/// folder for data, the Dockerfile's own variables and commands. Only the engine is missing.
/// </summary>
[SupportedOSPlatform("linux")]
public sealed class ContainerTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_published_gateway_runs_without_rights_on_a_read_only_root()
    {
        using var image = await ImageFolder.BuildAsync();
        await using var gateway = image.Start([], ("OLLAMA_BASE_URL", GatewayUnderTest.NoProvider));
        await gateway.WaitForStartAsync();
        var key = (await gateway.WaitForLineAsync("Client key of this container")).Split(": ")[^1];

        using var request = new HttpRequestMessage(HttpMethod.Post, image.Address + "/v1/chat/completions") { Content = new StringContent("""{"messages":[{"role":"user","content":"hi"}]}""", Encoding.UTF8, "application/json") };
        request.Headers.Add("Authorization", "Bearer " + key);
        using var client = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        using var answer = await client.SendAsync(request, Cancellation);
        await using var probe = image.Start(["health"]);
        var healthy = await probe.WaitForExitAsync();
        var uid = (await File.ReadAllLinesAsync($"/proc/{gateway.Id}/status", Cancellation)).Single(line => line.StartsWith("Uid:", StringComparison.Ordinal)).Split('\t')[1];
        var exit = await gateway.TerminateAsync();
        await using var late = image.Start(["health"]);

        Assert.Equal((HttpStatusCode.OK, "mock"), (answer.StatusCode, answer.Headers.GetValues("x-llm-provider").Single()));
        Assert.Equal((0, 0, 1), (healthy, exit, await late.WaitForExitAsync()));
        Assert.Contains("does not answer", late.Errors, StringComparison.Ordinal);
        Assert.Equal(Environment.IsPrivilegedProcess ? PlainUser.Id : uid, uid);
        Assert.Single(new LedgerFile(Path.Combine(image.Data, "gateway.db")).Query("select id from request_records"));
        Assert.Equal(["gateway.db", "gateway.key"], Directory.GetFiles(image.Data).Select(Path.GetFileName).Where(name => !name!.EndsWith("-wal", StringComparison.Ordinal) && !name.EndsWith("-shm", StringComparison.Ordinal)).Order(StringComparer.Ordinal));
        Assert.Equal("", gateway.Errors);
    }

    [Fact]
    public async Task Production_in_a_container_wants_its_settings()
    {
        using var image = await ImageFolder.BuildAsync();
        await using var gateway = image.Start([], ("ENVIRONMENT", "production"));

        var exit = await gateway.WaitForExitAsync();

        Assert.Equal(78, exit);
        Assert.Contains("GATEWAY_API_KEYS", gateway.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", gateway.Errors, StringComparison.Ordinal);
    }

    /// <summary>A file system as the Dockerfile lays it out.</summary>
    private sealed class ImageFolder : IDisposable
    {
        private readonly string _root = Directory.CreateTempSubdirectory("llmgateway-image-").FullName;
        private readonly string[] _dockerfile;
        private readonly int _port = GatewayProcess.FreePort();

        private ImageFolder(string[] dockerfile) => _dockerfile = dockerfile;

        public string Data => Path.Combine(_root, "data");

        public string Address => string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{_port}");

        public static async Task<ImageFolder> BuildAsync([CallerFilePath] string path = "")
        {
            var repository = Path.GetFullPath("../..", Path.GetDirectoryName(path)!);
            var image = new ImageFolder(await File.ReadAllLinesAsync(Path.Combine(repository, "docker", "Dockerfile"), Cancellation));
            Assert.Contains($"USER {PlainUser.Id}", image._dockerfile);
            Assert.Contains(image._dockerfile, line => line.StartsWith("RUN dotnet publish src/LlmGateway -c Release --no-restore", StringComparison.Ordinal));
            Assert.Contains("COPY config config", image._dockerfile);
            await RunAsync(repository, "dotnet", "publish", "src/LlmGateway", "-c", Configuration, "--no-restore", "--no-build", "-o", image._root, "-v", "q");
            Directory.CreateDirectory(Path.Combine(image._root, "config"));
            foreach (var file in Directory.GetFiles(Path.Combine(repository, "config")))
            {
                File.Copy(file, Path.Combine(image._root, "config", Path.GetFileName(file)));
            }

            Directory.CreateDirectory(image.Data);
            File.SetUnixFileMode(image._root, UnixFileMode.UserRead | UnixFileMode.UserExecute | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute);
            await PlainUser.OwnAsync(image.Data);
            return image;
        }

        /// <summary>The entry point, or with arguments another command of the image.</summary>
        public GatewayProcess Start(string[] args, params (string Name, string Value)[] variables)
        {
            var command = Only("ENTRYPOINT").Trim('[', ']').Split(", ").Select(part => part.Trim('"'));
            var image = Only("ENV").Split(' ').Select(pair => (Name: pair.Split('=')[0], Value: pair.Split('=')[1].Replace(":8080", string.Create(CultureInfo.InvariantCulture, $":{_port}"), StringComparison.Ordinal)));
            return GatewayProcess.Start(PlainUser.StartInfo(_root, [.. command, .. args]), ["PATH", "DOTNET_ROOT"], [.. image, ("DOTNET_RUNNING_IN_CONTAINER", "true"), .. variables]);
        }

        public void Dispose()
        {
            File.SetUnixFileMode(_root, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
            Directory.Delete(_root, recursive: true);
        }

        private static string Configuration => new DirectoryInfo(AppContext.BaseDirectory).Parent!.Name;

        private string Only(string instruction) => _dockerfile.Single(line => line.StartsWith(instruction + " ", StringComparison.Ordinal))[(instruction.Length + 1)..];

        private static async Task RunAsync(string folder, params string[] command)
        {
            var start = new ProcessStartInfo(command[0]) { WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true };
            command.Skip(1).ToList().ForEach(start.ArgumentList.Add);
            using var process = Process.Start(start)!;
            var (text, errors) = (process.StandardOutput.ReadToEndAsync(Cancellation), process.StandardError.ReadToEndAsync(Cancellation));
            await process.WaitForExitAsync(Cancellation);
            Assert.True(process.ExitCode == 0, $"{string.Join(' ', command)}\n{await text}\n{await errors}");
        }
    }
}
