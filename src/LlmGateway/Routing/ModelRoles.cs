namespace LlmGateway.Routing;

/// <summary>Names of the model roles that strategies choose from (<c>llm.model_roles</c>).</summary>
internal static class ModelRoles
{
    public const string Primary = "primary";

    public const string Duplicate = "duplicate";

    public const string Reserve = "reserve";
}
