using System.Globalization;
using LlmGateway.Tests.Configuration;
using YamlDotNet.RepresentationModel;

namespace LlmGateway.Tests.Deployment;

/// <summary>The manifests agree with each other, with the image and with the gateway's settings.</summary>
public sealed class KubernetesTests
{
    private static readonly IReadOnlyList<YamlNode> All =
        [.. Directory.GetFiles(Repository.PathOf("docker/kubernetes"), "*.yaml").Order(StringComparer.Ordinal).Select(YamlFile.Read)];

    private static readonly YamlNode Pod = Of("Deployment").Get("spec.template.spec");

    private static readonly YamlNode Container = Pod.Get("containers.0");

    [Fact]
    public void Manifests_AreOneOfEachKind()
    {
        var expected = new[] { "ConfigMap llm-gateway-config", "ConfigMap llm-gateway-settings", "Deployment llm-gateway", "HorizontalPodAutoscaler llm-gateway", "PodDisruptionBudget llm-gateway", "Secret llm-gateway-secrets", "Service llm-gateway" };

        Assert.Equal(expected, All.Select(manifest => $"{manifest.Text("kind")} {manifest.Text("metadata.name")}").Order(StringComparer.Ordinal));
        Assert.All(All, manifest => Assert.Matches("^(v1|[a-z]+/v[12])$", manifest.Text("apiVersion")));
    }

    [Fact]
    public void Selectors_FindThePods()
    {
        var labels = Of("Deployment").Get("spec.template.metadata.labels");

        Assert.Equal(labels, Of("Deployment").Get("spec.selector.matchLabels"));
        Assert.Equal(labels, Of("Service").Get("spec.selector"));
        Assert.Equal(labels, Of("PodDisruptionBudget").Get("spec.selector.matchLabels"));
        Assert.Equal(Of("Deployment").Text("metadata.name"), Of("HorizontalPodAutoscaler").Text("spec.scaleTargetRef.name"));
    }

    [Fact]
    public void References_ToConfigurationAndVolumes_LeadSomewhere()
    {
        var names = All.Select(manifest => $"{manifest.Text("kind")} {manifest.Text("metadata.name")}").ToList();
        foreach (var source in Container.List("envFrom"))
        {
            Assert.Contains(source.Find("configMapRef") is { } map ? "ConfigMap " + map.Text("name") : "Secret " + source.Text("secretRef.name"), names);
        }

        Assert.Contains("ConfigMap " + Pod.Text("volumes.0.configMap.name"), names);
        Assert.Equal(Pod.List("volumes").Select(volume => volume.Text("name")), Container.List("volumeMounts").Select(mount => mount.Text("name")));
        Assert.All(Container.List("volumeMounts"), mount => Assert.Null(mount.Find("subPath")));
        Assert.Contains(Container.List("volumeMounts"), mount => mount.Text("mountPath") == Dockerfile.DataFolder);
    }

    [Fact]
    public void Ports_AreTheImages()
    {
        Assert.Equal(Dockerfile.Only("EXPOSE"), Container.Text("ports.0.containerPort"));
        Assert.Equal(Container.Text("ports.0.name"), Of("Service").Text("spec.ports.0.targetPort"));
        Assert.Equal(Container.Text("ports.0.containerPort"), ((YamlScalarNode)Of("Deployment").Members("spec.template.metadata.annotations").Single(annotation => annotation.Name == "prometheus.io/port").Value).Value);
        foreach (var (probe, path) in (ReadOnlySpan<(string, string)>)[("startupProbe", "/health/live"), ("livenessProbe", "/health/live"), ("readinessProbe", "/health/ready")])
        {
            Assert.Equal((path, Container.Text("ports.0.name")), (Container.Text(probe + ".httpGet.path"), Container.Text(probe + ".httpGet.port")));
        }
    }

    [Fact]
    public void Pod_IsLockedDown()
    {
        Assert.Equal(("true", Dockerfile.User), (Pod.Text("securityContext.runAsNonRoot"), Pod.Text("securityContext.runAsUser")));
        Assert.Equal("RuntimeDefault", Pod.Text("securityContext.seccompProfile.type"));
        Assert.Equal("false", Pod.Text("automountServiceAccountToken"));
        Assert.Equal(("true", "false"), (Container.Text("securityContext.readOnlyRootFilesystem"), Container.Text("securityContext.allowPrivilegeEscalation")));
        Assert.Equal("ALL", Container.Text("securityContext.capabilities.drop.0"));
    }

    [Fact]
    public void Settings_AreTheGatewaysOwnAndStartIt()
    {
        var variables = Variables().ToList();
        Assert.All(variables, variable => Assert.Contains(variable.Name, SettingNameSet.All));
        using var work = new ConfigWorkspace([.. variables]);
        foreach (var (name, content) in Of("ConfigMap", "llm-gateway-config").Members("data"))
        {
            work.Write("config/" + name, ((YamlScalarNode)content).Value!);
        }

        var start = work.Begin("http://0.0.0.0:8080");

        Assert.Equal("internal/general", start.Config.Default.Target.ToString());
        Assert.Equal("crm", Assert.Single(start.Host.ClientKeys).Name);
        Assert.All([start.Host.AgentsFile, start.Host.SettingsFile, start.Host.KeysFile], file => Assert.True(File.Exists(file.Path), file.Path));
    }

    [Fact]
    public void Pod_HasTimeToDrain()
    {
        using var work = new ConfigWorkspace([.. Variables()]);
        var host = work.ReadSettings().Host;

        var grace = TimeSpan.FromSeconds(int.Parse(Pod.Text("terminationGracePeriodSeconds"), CultureInfo.InvariantCulture));

        Assert.True(host.AnnounceTime > TimeSpan.Zero);
        Assert.True(grace > host.AnnounceTime + host.DrainTime, $"{grace}");
    }

    private static IEnumerable<(string Name, string Value)> Variables() =>
        Of("ConfigMap", "llm-gateway-settings").Members("data").Concat(Of("Secret").Members("stringData")).Select(member => (member.Name, ((YamlScalarNode)member.Value).Value!));

    private static YamlNode Of(string kind, string? name = null) => All.Single(manifest => manifest.Text("kind") == kind && (name is null || manifest.Text("metadata.name") == name));
}
