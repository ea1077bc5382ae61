namespace LlmGateway.Api;

/// <summary>One name that a client may put into <c>model</c>.</summary>
/// <param name="Id">The name.</param>
/// <param name="OwnedBy">The provider's name; <see cref="Gateway"/> for an agent.</param>
internal readonly record struct ModelEntry(string Id, string OwnedBy)
{
    public const string Gateway = "gateway";
}
