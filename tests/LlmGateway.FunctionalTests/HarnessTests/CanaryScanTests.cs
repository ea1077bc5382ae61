using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Text;
using LlmGateway.FunctionalTests.Infrastructure;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace LlmGateway.FunctionalTests.HarnessTests;

/// <summary>The scan over everything that a run wrote finds a secret in each of its forms, and says so when it had nothing to do.</summary>
public sealed class CanaryScanTests
{
    private const string Secret = "sk-planted/0123456789+abcdefzyxwvut=";
    private const string Spoken = "sk-planted-0123456789-vutzyxgh";

    public static TheoryData<string> Leaks => new(
        Secret,
        "…zyxwvut=",
        "https://somewhere/v1?key=" + Uri.EscapeDataString(Secret),
        Encode(Secret),
        Encode("u:" + Secret),
        Encode("user:" + Secret + "!"),
        Convert.ToHexStringLower(Hash()),
        Convert.ToHexString(Hash()),
        Convert.ToBase64String(Hash()));

    [Theory]
    [MemberData(nameof(Leaks))]
    public async Task A_planted_secret_is_found(string leak)
    {
        using var folder = new Kept();
        folder.Output.Forbid(SecretShapes.Of(Secret));
        folder.Output.Keep("clean", "{\"message\":\"request\"}\n");
        Assert.Equal(0, (await ScanAsync(folder)).Code);

        folder.Output.Keep("leaking", "one line\n{\"message\":\"" + leak + "\"}\n");
        var (code, said) = await ScanAsync(folder);

        Assert.Equal(1, code);
        Assert.Contains("leaking-", said, StringComparison.Ordinal);
        Assert.DoesNotContain("clean-", said, StringComparison.Ordinal);
        Assert.DoesNotContain(leak, said, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_part_of_a_canary_is_found_by_the_marker_of_the_run()
    {
        using var folder = new Kept();
        folder.Output.Forbid(SecretShapes.Inside(Canaries.Marker));

        folder.Output.Keep("leaking", new Canaries().New("sk")[..^10]);

        Assert.Equal(1, (await ScanAsync(folder)).Code);
    }

    [Theory]
    [InlineData(false, true)]
    [InlineData(true, false)]
    public async Task A_scan_without_secrets_or_without_output_fails(bool hasSecrets, bool hasOutput)
    {
        using var folder = new Kept();
        if (hasSecrets)
        {
            folder.Output.Forbid(SecretShapes.Of(Secret));
        }

        if (hasOutput)
        {
            folder.Output.Keep("clean", "nothing");
        }

        Assert.Equal(2, (await ScanAsync(folder)).Code);
    }

    /// <summary>A gateway's own log has no such line, its trace has, and is searched with the rest.</summary>
    [Fact]
    public async Task What_a_gateway_says_at_trace_level_alone_is_searched()
    {
        using var folder = new Kept();
        folder.Output.Forbid(SecretShapes.Of(Spoken));

        await using (var gateway = await new GatewayUnderTest { Kept = folder.Output }.StartAsync())
        {
            gateway.Services.GetRequiredService<ILoggerFactory>().CreateLogger("LlmGateway.Planted").Log(LogLevel.Trace, default, Spoken, exception: null, (text, _) => text);
        }

        await AssertFoundInTraceAsync(folder);
    }

    /// <summary>The framework's lines below Information tell every path that was asked for.</summary>
    [Fact]
    public async Task What_a_gateway_of_its_own_process_says_at_trace_level_alone_is_searched()
    {
        using var folder = new Kept();
        folder.Output.Forbid(SecretShapes.Of(Spoken));

        using (var files = new GatewayFolder())
        {
            await using var gateway = GatewayProcess.Start(files, ["--urls", "http://127.0.0.1:0"], ("OLLAMA_BASE_URL", GatewayUnderTest.NoProvider));
            gateway.Kept = folder.Output;
            await gateway.WaitForStartAsync();
            using var answer = await gateway.Client.GetAsync(new Uri("/" + Spoken, UriKind.Relative), TestContext.Current.CancellationToken);
            await gateway.MetricsAsync();
        }

        Assert.Contains("\"level\":\"trace\"", await AssertFoundInTraceAsync(folder), StringComparison.Ordinal);
    }

    /// <summary>Answers the trace.</summary>
    private static async Task<string> AssertFoundInTraceAsync(Kept folder)
    {
        var (code, said) = await ScanAsync(folder);
        var files = Directory.GetFiles(Path.Combine(folder.Path, "output"));
        var trace = Assert.Single(files, file => file.Contains("-trace-", StringComparison.Ordinal));

        Assert.Equal(1, code);
        Assert.Equal(2, files.Length);
        Assert.Equal([trace], said.Split('\n').Where(line => line.EndsWith(".log", StringComparison.Ordinal)));
        return await File.ReadAllTextAsync(trace, TestContext.Current.CancellationToken);
    }

    private static string Encode(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));

    private static byte[] Hash() => System.Security.Cryptography.SHA256.HashData(Encoding.UTF8.GetBytes(Secret));

    private static async Task<(int Code, string Said)> ScanAsync(Kept folder)
    {
        using var process = Process.Start(new ProcessStartInfo("bash", [Script(), folder.Path]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var said = await Task.WhenAll(process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync();
        return (process.ExitCode, string.Concat(said));
    }

    private static string Script([CallerFilePath] string path = "") => Path.GetFullPath("../../canaries.sh", Path.GetDirectoryName(path)!);

    private sealed class Kept : IDisposable
    {
        public Kept() => Output = new KeptOutput(Path);

        public string Path { get; } = Directory.CreateTempSubdirectory("llmgateway-canaries-").FullName;

        public KeptOutput Output { get; }

        public void Dispose() => Directory.Delete(Path, recursive: true);
    }
}
