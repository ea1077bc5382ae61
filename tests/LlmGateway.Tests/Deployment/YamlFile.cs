using YamlDotNet.RepresentationModel;

namespace LlmGateway.Tests.Deployment;

/// <summary>A YAML file of the repository, read by paths such as <c>services.gateway.image</c>.</summary>
internal static class YamlFile
{
    public static YamlNode Read(string path)
    {
        using var reader = new StreamReader(Repository.PathOf(path));
        var yaml = new YamlStream();
        yaml.Load(reader);
        return Assert.Single(yaml.Documents).RootNode;
    }

    public static YamlNode? Find(this YamlNode node, string path)
    {
        YamlNode? found = node;
        foreach (var part in path.Split('.'))
        {
            found = found switch
            {
                YamlMappingNode map when map.Children.TryGetValue(new YamlScalarNode(part), out var child) => child,
                YamlSequenceNode list when int.TryParse(part, out var index) && index < list.Children.Count => list.Children[index],
                _ => null,
            };
        }

        return found;
    }

    public static YamlNode Get(this YamlNode node, string path) => node.Find(path) ?? throw new InvalidOperationException($"There is no {path}.");

    public static string Text(this YamlNode node, string path) => ((YamlScalarNode)node.Get(path)).Value!;

    public static IEnumerable<YamlNode> List(this YamlNode node, string path) => node.Find(path) is YamlSequenceNode list ? list.Children : [];

    public static IEnumerable<string> Texts(this YamlNode node, string path) => node.List(path).Select(item => ((YamlScalarNode)item).Value!);

    /// <summary>Names and values of a mapping; of none where it is not there.</summary>
    public static IEnumerable<(string Name, YamlNode Value)> Members(this YamlNode node, string path) =>
        node.Find(path) is YamlMappingNode map ? map.Children.Select(child => (((YamlScalarNode)child.Key).Value!, child.Value)) : [];
}
