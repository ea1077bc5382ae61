using System.Text.Json;
using LlmGateway.Api;
using LlmGateway.Configuration;
using LlmGateway.Model;
using LlmGateway.Profiles;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Surfaces;

/// <summary>What Ollama's clients ask before they chat: which models there are, what one can do, which version this is.</summary>
internal sealed class OllamaModelEndpoints(HostSettings settings)
{
    /// <summary>The version of Ollama's API that these endpoints follow: clients compare it with what they need.</summary>
    private static readonly byte[] Version = """{"version":"0.12.0"}"""u8.ToArray();

    /// <summary>Nothing is loaded into anything here.</summary>
    private static readonly byte[] NothingLoaded = """{"models":[]}"""u8.ToArray();

    public static Task VersionAsync(HttpContext context) => JsonAnswer.WriteAsync(context, Version);

    public static Task LoadedAsync(HttpContext context) => JsonAnswer.WriteAsync(context, NothingLoaded);

    public static Task TagsAsync(HttpContext context)
    {
        var scope = RequestScope.Of(context);
        return JsonAnswer.WriteAsync(context, OllamaModelList.WriteTags(scope.Config, scope.Key!));
    }

    public async Task ShowAsync(HttpContext context)
    {
        var (body, error) = await RequestBody.ReadJsonAsync(context.Request, settings.MaxBodyBytes, context.RequestAborted, takesAnyType: true);
        var (target, refusal) = error is null ? Find(body, RequestScope.Of(context)) : (null, error);
        await (target is null ? ErrorWriter.WriteAsync(context, refusal!) : JsonAnswer.WriteAsync(context, OllamaModelList.WriteShow(target)));
    }

    private static (ProviderTarget? Target, GatewayError? Error) Find(ReadOnlyMemory<byte> body, RequestScope scope)
    {
        if (RequestScanner.CheckObject(body.Span) is { } broken)
        {
            return (null, broken);
        }

        using var document = JsonDocument.Parse(body, OpenAiJson.Reading);
        var root = document.RootElement;
        if ((root.FindText("model"u8) ?? root.FindText("name"u8)) is not { Length: > 0 } name)
        {
            return (null, GatewayError.Invalid(ErrorCodes.MissingRequiredParameter, "model is required", "model"));
        }

        var route = ProfileResolver.Resolve(scope.Config, null, null, OllamaModelName.Resolve(name, scope.Config));
        return (route.Error ?? RoutePermission.Check(scope.Key!, route)) is { } refusal
            ? (null, refusal)
            : (route.Target ?? (route.Role is { } role ? scope.Config.RoleChains[role][0] : route.Profile!.Target), null);
    }
}
