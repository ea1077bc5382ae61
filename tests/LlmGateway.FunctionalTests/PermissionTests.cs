using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Runtime.Versioning;
using System.Text;
using System.Text.Json;
using LlmGateway.FunctionalTests.Infrastructure;

namespace LlmGateway.FunctionalTests;

/// <summary>The gateway as a user to whom files and folders are closed (L06, L11): what it cannot do without is told, with the way out; without the rest it serves.</summary>
[SupportedOSPlatform("linux")]
public sealed class PermissionTests
{
    private const int BadConfiguration = 78;
    private const UnixFileMode Usual = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode UsualFolder = Usual | UnixFileMode.UserExecute;

    private static readonly string[] AnyPort = ["--urls", "http://127.0.0.1:0"];

    public static TheoryData<string> Files => [GatewayFolder.Agents, GatewayFolder.Settings, GatewayFolder.Keys];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Files))]
    public async Task A_file_that_may_not_be_read_ends_the_start_with_the_way_out(string file)
    {
        using var folder = await FolderAsync();
        File.SetUnixFileMode(folder.File(file), UnixFileMode.None);
        Assert.False(await PlainUser.MayReadAsync(folder.File(file)));
        await using (var refused = Start(folder))
        {
            Assert.Equal(BadConfiguration, await refused.WaitForExitAsync());
            Assert.Equal(
                $"""
                The gateway cannot start, one problem:
                  - config/{file}: may not be read (permissions). Let the user that the gateway runs as read it and enter its folder (chmod, chown).
                """,
                refused.AllText.Trim());
        }

        File.SetUnixFileMode(folder.File(file), Usual);
        await using var started = Start(folder);
        await started.WaitForStartAsync();
        await AssertServesAsync(started);
    }

    [Fact]
    public async Task A_folder_that_may_not_be_entered_is_told_for_each_of_its_files()
    {
        using var folder = await FolderAsync();
        File.SetUnixFileMode(folder.ConfigPath, UnixFileMode.None);
        try
        {
            await using var process = Start(folder);

            Assert.Equal(BadConfiguration, await process.WaitForExitAsync());

            Assert.All(Files, file => Assert.Single(process.Errors.Split('\n'), line => line.StartsWith($"  - config/{file.Data}: may not be read (permissions). ", StringComparison.Ordinal)));
            AssertNoStackTrace(process);
        }
        finally
        {
            File.SetUnixFileMode(folder.ConfigPath, UsualFolder);
        }
    }

    [Theory]
    [MemberData(nameof(Files))]
    public async Task A_file_that_may_no_longer_be_read_leaves_the_last_good_one_in_force(string file)
    {
        var label = Path.GetFileNameWithoutExtension(file);
        using var folder = await FolderAsync();
        await using var process = Start(folder);
        await process.WaitForStartAsync();

        File.SetUnixFileMode(folder.File(file), UnixFileMode.None);
        Assert.False(await PlainUser.MayReadAsync(folder.File(file)));
        await process.WaitForMetricsAsync(page => page.Sum("llm_gateway_config_reloads_total", ("file", label), ("result", "rejected")) == 1, "the refusal to be counted");
        var problem = await process.WaitForLineAsync("may not be read (permissions)");
        var (status, health) = await ReadyAsync(process);
        await AssertServesAsync(process);

        File.SetUnixFileMode(folder.File(file), Usual);
        await process.WaitForMetricsAsync(page => page.Sum("llm_gateway_config_reloads_total", ("file", label)) == 2, "the file to be judged again");

        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Equal("degraded", health.GetProperty("status").GetString());
        Assert.Contains($"config/{file}: may not be read", health.GetRawText(), StringComparison.Ordinal);
        Assert.Contains("\"level\":\"error\"", problem, StringComparison.Ordinal);
        Assert.Contains($"config/{file}: ", problem, StringComparison.Ordinal);
        Assert.Equal("""{"status":"ready","problems":[]}""", (await ReadyAsync(process)).Body.GetRawText());
        Assert.Equal(1, (await process.MetricsAsync()).Sum("llm_gateway_config_reloads_total", ("result", "rejected")));
        Assert.Single(process.Output, line => line.Contains("\"level\":\"error\"", StringComparison.Ordinal));
        await AssertServesAsync(process);
        AssertNoStackTrace(process);
    }

    /// <summary>Without a place for its records it serves, says so in a line, and is ready with reserve.</summary>
    [Theory]
    [InlineData("its folder is closed")]
    [InlineData("data is closed")]
    [InlineData("a file stands in the way")]
    [InlineData("the folder of DATABASE_URL is closed")]
    public async Task Where_it_may_not_write_it_serves_and_says_so(string what)
    {
        using var folder = await FolderAsync();
        var isElsewhere = what.Contains("DATABASE_URL", StringComparison.Ordinal);
        var place = Path.Combine(folder.Path, isElsewhere ? "records" : "data");
        var closed = what switch
        {
            "its folder is closed" => folder.Path,
            "a file stands in the way" => null,
            _ => Directory.CreateDirectory(place).FullName,
        };
        if (closed is null)
        {
            await File.WriteAllTextAsync(place, "", Cancellation);
        }
        else
        {
            await PlainUser.OwnAsync(folder.Path);
            File.SetUnixFileMode(closed, UnixFileMode.UserRead | UnixFileMode.UserExecute);
            Assert.False(await PlainUser.MayWriteAsync(closed));
        }

        try
        {
            await using var process = isElsewhere ? Start(folder, ("DATABASE_URL", "sqlite:" + Path.Combine(place, "gateway.db"))) : Start(folder);
            await process.WaitForStartAsync();

            await AssertServesAsync(process);
            await process.WaitForLineAsync("database unavailable");
            Assert.Equal("degraded", (await ReadyAsync(process)).Body.GetProperty("status").GetString());
            Assert.False(File.Exists(Path.Combine(place, "gateway.db")));
            Assert.Equal(0, await process.TerminateAsync());
            AssertNoStackTrace(process);
        }
        finally
        {
            File.SetUnixFileMode(closed ?? folder.Path, UsualFolder);
        }
    }

    /// <summary>A root nobody can write to, <c>/tmp</c> neither, and no HOME: with a volume for its data nothing is amiss, without one it has no records.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task On_a_read_only_root_it_needs_nothing_but_its_data(bool hasVolume)
    {
        // The mounts are this process's alone. What the tests trace of it stays writable.
        const string Mounts = """
            set -e
            volumes=("$(dirname "$TRACE")")
            if [ "$1" = True ]; then volumes+=(data); fi
            for path in /tmp "${volumes[@]}"; do mount --bind "$path" "$path"; done
            for path in / /tmp; do mount -o remount,bind,ro "$path"; done
            cd "$PWD"
            for path in "${volumes[@]}"; do mount --bind "$path" "$path"; mount -o remount,bind,rw "$path"; done
            exec "${@:2}"
            """;
        using var folder = await FolderAsync();
        Directory.CreateDirectory(Path.Combine(folder.Path, "data"));
        await PlainUser.OwnAsync(folder.Path);
        var gateway = GatewayProcess.Command(folder, AnyPort);
        string[] alone = Environment.IsPrivilegedProcess ? ["--mount"] : ["--user", "--map-root-user", "--mount"];
        string[] mounting = ["bash", "-c", Mounts.Replace("TRACE", TraceFile.Variable, StringComparison.Ordinal), "bash", hasVolume.ToString()];
        var start = new ProcessStartInfo("unshare", [.. alone, .. mounting, .. PlainUser.Command([gateway.FileName, .. gateway.ArgumentList])]) { WorkingDirectory = folder.Path };
        await using var process = GatewayProcess.Start(start, ["PATH", "DOTNET_ROOT"], Variables);
        await process.WaitForStartAsync();
        var mounts = await File.ReadAllLinesAsync($"/proc/{process.Id}/mounts", Cancellation);

        await AssertServesAsync(process);
        if (!hasVolume)
        {
            await process.WaitForLineAsync("database unavailable");
        }

        var (_, health) = await ReadyAsync(process);
        Assert.Equal(0, await process.TerminateAsync());
        Assert.All(["/", "/tmp"], path => Assert.StartsWith("ro,", mounts.Last(line => line.Split(' ')[1] == path).Split(' ')[3], StringComparison.Ordinal));
        Assert.Equal(hasVolume ? "ready" : "degraded", health.GetProperty("status").GetString());
        Assert.Equal(hasVolume ? 1 : 0, hasVolume ? new LedgerFile(Path.Combine(folder.Path, "data", "gateway.db")).Query("select id from request_records").Count : Directory.GetFileSystemEntries(Path.Combine(folder.Path, "data")).Length);
        AssertNoStackTrace(process);
    }

    private static (string, string)[] Variables => [("ENVIRONMENT", "production"), ("INTERNAL_LLM_BASE_URL", GatewayUnderTest.NoProvider), ("INTERNAL_LLM_MODEL", "m")];

    /// <summary>Three files without any of which <see cref="AssertServesAsync"/> would not be answered so.</summary>
    private static async Task<GatewayFolder> FolderAsync()
    {
        var folder = new GatewayFolder();
        folder.Rewrite(GatewayFolder.Agents, """{ "default": { "provider": "spare", "model_name": "model-of-the-file" } }""");
        folder.Rewrite(GatewayFolder.Settings, "providers:\n  spare: { type: mock, models: [model-of-the-file] }\n");
        folder.Rewrite(GatewayFolder.Keys, LimitedStage.Keys(LimitedStage.KeyEntry("")));
        await PlainUser.OwnAsync(folder.Path);
        return folder;
    }

    private static GatewayProcess Start(GatewayFolder folder, params (string Name, string Value)[] more)
    {
        var gateway = GatewayProcess.Command(folder, AnyPort);
        return GatewayProcess.Start(PlainUser.StartInfo(folder.Path, [gateway.FileName, .. gateway.ArgumentList]), ["PATH", "DOTNET_ROOT"], [.. Variables, .. more]);
    }

    private static async Task AssertServesAsync(GatewayProcess process)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, ProductionStage.Path)
        {
            Content = new StringContent(ProductionStage.Body(isStreaming: false), Encoding.UTF8, "application/json"),
            Headers = { Authorization = new AuthenticationHeaderValue("Bearer", LimitedStage.Key) },
        };
        using var answer = await process.Client.SendAsync(request, Cancellation);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal(("spare", "model-of-the-file"), (answer.Headers.GetValues("x-llm-provider").Single(), answer.Headers.GetValues("x-llm-model").Single()));
    }

    private static async Task<(HttpStatusCode Status, JsonElement Body)> ReadyAsync(GatewayProcess process)
    {
        using var response = await process.Client.GetAsync(new Uri("/health/ready", UriKind.Relative), Cancellation);
        using var body = JsonDocument.Parse(await response.Content.ReadAsStringAsync(Cancellation));
        return (response.StatusCode, body.RootElement.Clone());
    }

    private static void AssertNoStackTrace(GatewayProcess process)
    {
        Assert.DoesNotContain("   at ", process.AllText, StringComparison.Ordinal);
        Assert.DoesNotContain("Exception", process.AllText, StringComparison.Ordinal);
    }
}
