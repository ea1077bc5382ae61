using System.Globalization;
using System.Text.RegularExpressions;
using LlmGateway.Configuration;
using LlmGateway.Tests.Configuration;
using YamlDotNet.RepresentationModel;

namespace LlmGateway.Tests.Deployment;

/// <summary>There is no container engine where the tests run, so what <c>compose.yaml</c> names is held against what is there.</summary>
public sealed partial class ComposeTests
{
    private const string Folder = "docker";

    private static readonly YamlNode Compose = YamlFile.Read("docker/compose.yaml");

    private static readonly YamlNode Gateway = Compose.Get("services.gateway");

    [Fact]
    public void Services_AreTheWholeDemo() =>
        Assert.Equal(["gateway", "grafana", "ollama", "ollama-model", "postgres", "prometheus", "redis"], Compose.Members("services").Select(service => service.Name).Order(StringComparer.Ordinal));

    [Fact]
    public void Variables_AreTheGatewaysOwn() =>
        Assert.All(Gateway.Members("environment"), variable => Assert.Contains(variable.Name, SettingNameSet.All));

    [Fact]
    public void Files_ThatAreMountedOrBuiltFrom_Exist()
    {
        var context = Path.Combine(Folder, Gateway.Text("build.context"));
        Assert.True(File.Exists(Repository.PathOf(Path.Combine(context, Gateway.Text("build.dockerfile")))));

        var mounts = Mounts().Where(mount => mount.Source.StartsWith('.')).ToList();

        Assert.True(mounts.Count >= 5);
        Assert.All(mounts, mount => Assert.True(Path.Exists(Repository.PathOf(Path.Combine(Folder, mount.Source))), mount.Source));
        Assert.All(mounts, mount => Assert.EndsWith(":ro", mount.Whole, StringComparison.Ordinal));
    }

    [Fact]
    public void Volumes_AreDeclaredAndUsed()
    {
        var used = Mounts().Where(mount => !mount.Source.StartsWith('.')).Select(mount => mount.Source).Distinct().Order(StringComparer.Ordinal);

        Assert.Equal(Compose.Members("volumes").Select(volume => volume.Name).Order(StringComparer.Ordinal), used);
    }

    [Fact]
    public void Services_ThatOthersWaitFor_Exist()
    {
        var services = Compose.Members("services").ToDictionary(service => service.Name, service => service.Value);
        foreach (var (name, service) in services)
        {
            foreach (var (other, condition) in service.Members("depends_on"))
            {
                Assert.True(services.ContainsKey(other), $"{name} waits for {other}");
                Assert.True(condition.Text("condition") != "service_healthy" || services[other].Find("healthcheck") is not null, $"{name} waits for the health of {other}");
            }

            Assert.All(service.Texts("depends_on"), other => Assert.Contains(other, services.Keys));
        }
    }

    [Fact]
    public void Images_HaveATag() =>
        Assert.All(
            Compose.Members("services").Where(service => service.Value.Find("build") is null),
            service => Assert.Matches("^[a-z/]+:[a-z0-9.-]*[0-9]", service.Value.Text("image")));

    [Fact]
    public void Ports_AreOpenToThisMachineAlone()
    {
        Assert.Contains("127.0.0.1:8080:8080", Gateway.Texts("ports"));
        Assert.All(
            Compose.Members("services").SelectMany(service => service.Value.Texts("ports")),
            port => Assert.StartsWith("127.0.0.1:", port, StringComparison.Ordinal));
    }

    [Fact]
    public void Gateway_IsLockedDown()
    {
        Assert.Equal("true", Gateway.Text("read_only"));
        Assert.Equal(Dockerfile.User, Gateway.Text("user"));
        Assert.Equal("ALL", Assert.Single(Gateway.Texts("cap_drop")));
        Assert.Equal("no-new-privileges:true", Assert.Single(Gateway.Texts("security_opt")));
        Assert.Contains(Gateway.Texts("volumes"), mount => mount.EndsWith(":" + Dockerfile.DataFolder, StringComparison.Ordinal));
        Assert.Equal(Dockerfile.HealthCommand, Gateway.Texts("healthcheck.test").Skip(1));
    }

    [Fact]
    public void Gateway_StartsWithWhatIsSet()
    {
        using var work = new ConfigWorkspace([.. Variables(), ("DOTNET_RUNNING_IN_CONTAINER", "true")]);

        var start = work.Begin("http://0.0.0.0:8080");

        Assert.Equal("demo", Assert.Single(start.Host.ClientKeys).Name);
        Assert.NotNull(start.Host.AdminKey);
        Assert.Null(start.ContainerKey);
    }

    [Fact]
    public void Gateway_HasTimeToDrain()
    {
        using var work = new ConfigWorkspace([.. Variables()]);
        var host = work.ReadSettings().Host;

        var grace = TimeSpan.FromSeconds(int.Parse(Gateway.Text("stop_grace_period").TrimEnd('s'), CultureInfo.InvariantCulture));

        Assert.True(grace > host.AnnounceTime + host.DrainTime, $"{grace}");
    }

    [Fact]
    public void FirstCall_OfTheHead_UsesTheKeyThatIsSet()
    {
        var key = Variables().Single(variable => variable.Name == SettingNames.ClientKeys).Value.Split(':')[1];

        Assert.Contains($"Authorization: Bearer {key}\"", Repository.ReadText("docker/compose.yaml"), StringComparison.Ordinal);
    }

    /// <summary>What the gateway's container gets on a machine that sets nothing.</summary>
    private static IEnumerable<(string Name, string Value)> Variables() =>
        Gateway.Members("environment").Select(variable => (variable.Name, Default().Replace(((YamlScalarNode)variable.Value).Value!, "$1")));

    private static IEnumerable<(string Source, string Whole)> Mounts() =>
        Compose.Members("services").SelectMany(service => service.Value.Texts("volumes")).Select(mount => (mount.Split(':')[0], mount));

    [GeneratedRegex(@"\$\{\w+:-([^}]*)\}")]
    private static partial Regex Default();
}
