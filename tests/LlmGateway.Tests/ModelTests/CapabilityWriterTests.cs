using System.Runtime.Versioning;
using System.Text;
using LlmGateway.Configuration;
using LlmGateway.ModelTests;

namespace LlmGateway.Tests.ModelTests;

/// <summary>Flags reach the settings file as valid settings, or not at all.</summary>
public sealed class CapabilityWriterTests : IDisposable
{
    private const string Settings = "# ours\nllm: { default_provider: alpha }\nproviders:\n  alpha:\n    base_url: http://alpha.test # here\n    models: [one, two]\n";

    private readonly string _folder = Directory.CreateTempSubdirectory("llmgateway-flags-").FullName;

    private string File => Path.Combine(_folder, "config", "llm_settings.yaml");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void What_was_shown_is_written_and_reads_back()
    {
        var outcome = CapabilityWriter.Write(Start(Settings), [Results.Model("alpha", "one", failed: [ProbeNames.Tools]), Results.Model("alpha", "three"), Results.Dead("alpha", "two")]);

        Assert.Null(outcome.Problem);
        Assert.True(outcome.IsWritten);
        Assert.Equal(6, outcome.Changes.Count);
        Assert.Equal(
            "# ours\nllm: { default_provider: alpha }\nproviders:\n  alpha:\n    base_url: http://alpha.test # here\n"
            + "    models: { one: { supports_tools: false, supports_vision: true, supports_json_schema: true }, two: {}, three: { supports_tools: true, supports_vision: true, supports_json_schema: true } }\n",
            System.IO.File.ReadAllText(File));
        var models = Begin().Config.Providers["alpha"].Models;
        Assert.Equal((false, true), (models["one"].SupportsTools, models["one"].SupportsVision));
        Assert.Null(models["two"].SupportsTools);
        Assert.Equal([File], Directory.GetFiles(Path.GetDirectoryName(File)!));
    }

    [Fact]
    public void A_second_run_changes_nothing()
    {
        var results = new[] { Results.Model("alpha", "one") };
        CapabilityWriter.Write(Start(Settings), results);
        var written = System.IO.File.ReadAllText(File);

        var again = CapabilityWriter.Write(Begin(), results);

        Assert.Equal((false, null, 0), (again.IsWritten, again.Problem, again.Changes.Count));
        Assert.Equal(written, System.IO.File.ReadAllText(File));
    }

    [Fact]
    public void What_is_unknown_is_not_written()
    {
        var result = Results.Model("alpha", "one");
        result = result with { Probes = [.. result.Probes.Select(probe => probe with { Status = probe.Name == ProbeNames.Vision ? ProbeStatus.Error : probe.Name == ProbeNames.Tools ? ProbeStatus.Skipped : probe.Status })] };

        var outcome = CapabilityWriter.Write(Start(Settings), [result]);

        Assert.Equal(["alpha/one: supports_json_schema: true"], outcome.Changes);
    }

    [Fact]
    public void A_missing_file_is_made()
    {
        var outcome = CapabilityWriter.Write(Start(null), [Results.Model("ollama", "llama3.1", "ollama")]);

        Assert.True(outcome.IsWritten);
        Assert.StartsWith("providers:\n  ollama:\n    models:\n      llama3.1: { supports_tools: true,", System.IO.File.ReadAllText(File));
    }

    /// <summary>The loader has the last word: here the model would be listed twice.</summary>
    [Fact]
    public void A_text_that_would_not_be_valid_replaces_nothing()
    {
        var text = Settings.Replace("[one, two]", "[one, one]", StringComparison.Ordinal);

        var outcome = CapabilityWriter.Write(Start(text), [Results.Model("alpha", "one")]);

        Assert.False(outcome.IsWritten);
        Assert.Contains("the edited file would not be right", outcome.Problem);
        Assert.Equal(text, System.IO.File.ReadAllText(File));
    }

    /// <summary>A role's model belongs to the default provider until another lists it: listing it must not move the role.</summary>
    [Fact]
    public void A_flag_that_would_lead_a_role_elsewhere_replaces_nothing()
    {
        const string Text = "llm: { default_provider: alpha, model_roles: { primary: [shared] } }\nproviders:\n  alpha: { base_url: http://alpha.test }\n  beta: { base_url: http://beta.test }\n";

        var outcome = CapabilityWriter.Write(Start(Text), [Results.Model("beta", "shared")]);

        Assert.False(outcome.IsWritten);
        Assert.Contains("would lead to another model", outcome.Problem);
        Assert.Equal(Text, System.IO.File.ReadAllText(File));
    }

    [Fact]
    [SupportedOSPlatform("linux")]
    public void A_link_stays_a_link_and_rights_stay_rights()
    {
        var start = Start(Settings);
        var real = Path.Combine(_folder, "real.yaml");
        System.IO.File.Move(File, real);
        System.IO.File.SetUnixFileMode(real, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite);
        System.IO.File.CreateSymbolicLink(File, real);

        var outcome = CapabilityWriter.Write(start, [Results.Model("alpha", "one")]);

        Assert.True(outcome.IsWritten);
        Assert.Equal(real, new FileInfo(File).LinkTarget);
        Assert.Contains("supports_tools", System.IO.File.ReadAllText(real));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite, System.IO.File.GetUnixFileMode(real));
    }

    [Fact]
    public void A_byte_order_mark_stays()
    {
        var start = Start(Settings);
        System.IO.File.WriteAllText(File, Settings, new UTF8Encoding(true));

        Assert.True(CapabilityWriter.Write(start, [Results.Model("alpha", "one")]).IsWritten);

        Assert.True(System.IO.File.ReadAllBytes(File).AsSpan().StartsWith(Encoding.UTF8.Preamble));
    }

    [Fact]
    public void A_file_that_changes_meanwhile_is_left_alone()
    {
        var path = Path.Combine(_folder, "file.yaml");
        System.IO.File.WriteAllText(path, "theirs");

        Assert.Contains("changed meanwhile", AtomicFile.Replace(path, "ours"u8.ToArray(), () => false));

        Assert.Equal("theirs", System.IO.File.ReadAllText(path));
        Assert.Equal([path], Directory.GetFiles(_folder));
    }

    private ConfigStart Start(string? settings)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(File)!);
        if (settings is not null)
        {
            System.IO.File.WriteAllText(File, settings);
        }

        return Begin();
    }

    private ConfigStart Begin() => ConfigStart.Begin(new Dictionary<string, string>(StringComparer.Ordinal), _folder, _folder, ["http://localhost:1"]);
}
