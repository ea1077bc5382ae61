using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Text;
using LlmGateway.FunctionalTests.Infrastructure;

namespace LlmGateway.FunctionalTests.HarnessTests;

/// <summary>The scan over everything that a run wrote finds a secret in each of its forms, and says so when it had nothing to do.</summary>
public sealed class CanaryScanTests
{
    private const string Secret = "sk-planted/0123456789+abcdefzyxwvut=";

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
