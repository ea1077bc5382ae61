using LlmGateway.Api;
using LlmGateway.Model;
using LlmGateway.Resilience;

namespace LlmGateway.Admin;

/// <summary><c>GET /admin/models</c>: how the calls to each model have gone, and whether it may be called now.</summary>
internal sealed class ModelStatusEndpoint(TargetStates states)
{
    public Task HandleAsync(HttpContext context)
    {
        var config = RequestScope.Of(context).Config;
        var targets = ConfiguredTargets.Of(config);

        // One more for the names that no file lists, where such calls have been made.
        var others = targets
            .Select(target => target with { Model = "other", ModelConfig = null, IsConfigured = false })
            .DistinctBy(target => target.Provider.Name)
            .Where(target => states.Find(target) is not null);
        var reply = new ModelsReply([.. targets.Concat(others).Select(target => ModelsReply.Entry.From(target, RolesOf(target, config), states.Of(target)))]);
        return Results.Json(reply, ModelsJson.Default.ModelsReply).ExecuteAsync(context);
    }

    private static string[] RolesOf(ProviderTarget target, GatewayConfig config) =>
    [
        .. config.Roles.Where(role => role.Value.Any(named => named.Provider.Name == target.Provider.Name && named.Model == target.Model)).Select(role => role.Key).Order(StringComparer.Ordinal),
    ];
}
