using LlmGateway.Model;

namespace LlmGateway.Routing;

/// <summary>
/// Whether a target can serve a request, by what configuration says of its model. What nobody has said is no reason to leave a target out,
/// but for money: where a profile wants free models alone, the model must be known to be free.
/// </summary>
internal static class Capabilities
{
    private const string FreeSuffix = ":free";

    /// <summary>What the target lacks, in words, and the member of the request that asks for it; null: nothing.</summary>
    public static (string Lack, string? Param)? WhyNot(ProviderTarget target, GatewayRequest request)
    {
        if (request.Profile.FreeOnly && !IsFree(target))
        {
            return ("the agent wants free models only, and this one is not marked free", null);
        }

        if (target.ModelConfig is not { } model)
        {
            return null;
        }

        var scan = request.Scan;
        return scan.HasTools && model.SupportsTools == false ? ("the model takes no tools", "tools")
            : scan.HasImages && model.SupportsVision == false ? ("the model takes no images", "messages")
            : scan.WantsJsonSchema && model.SupportsJsonSchema == false ? ("the model answers by no JSON schema", "response_format")
            : model.ContextWindow is { } window && TokenEstimate.Of(request, 0).Input is var prompt && prompt > window
                ? ($"the prompt of about {prompt} tokens does not fit into its window of {window}", "messages")
            : null;
    }

    /// <summary>Whether a target may do better where another found the prompt too long: not, if it is known to have no larger window.</summary>
    public static bool MayBeLarger(ProviderTarget target, ProviderTarget failed) =>
        target.ModelConfig?.ContextWindow is not { } window || failed.ModelConfig?.ContextWindow is not { } tooSmall || window > tooSmall;

    private static bool IsFree(ProviderTarget target) =>
        target.ModelConfig is { IsFree: true }
        || target.ModelConfig?.Price is { InputMicroUsdPer1M: 0, OutputMicroUsdPer1M: 0 }
        || target.Provider.Type is "ollama" or "mock"
        || target.Model.EndsWith(FreeSuffix, StringComparison.Ordinal);
}
