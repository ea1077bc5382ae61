namespace LlmGateway.Configuration.Documents;

/// <summary>What stands in one place of a JSON or YAML file.</summary>
internal enum ConfigNodeKind
{
    Null,
    Flag,
    Number,
    Text,
    List,
    Map,
}
