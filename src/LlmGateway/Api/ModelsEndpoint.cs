using System.Globalization;
using System.Text.Json;
using LlmGateway.Model;
using LlmGateway.Profiles;
using LlmGateway.Surfaces;

namespace LlmGateway.Api;

/// <summary>
/// <c>GET /v1/models</c> and <c>/v1/models/{id}</c>, in OpenAI's form, or in Anthropic's for its SDKs, which say so in a header. Behind an
/// agent's path they are the same, for tools that ask for them before anything else.
/// </summary>
internal sealed class ModelsEndpoint(TimeProvider time, ClientDialectSet dialects)
{
    /// <summary>Nobody knows when a model was made; the gateway's start is at least the same for as long as it runs.</summary>
    private readonly DateTimeOffset _created = time.GetUtcNow();

    public Task ListAsync(HttpContext context)
    {
        var scope = RequestScope.Of(context);
        if (CheckAgent(context, scope) is { } refusal)
        {
            return RefuseAsync(context, refusal);
        }

        var models = ModelList.For(scope.Config, scope.Key!).ToList();
        return JsonAnswer.WriteAsync(context, IsAnthropic(context) ? json => WriteAnthropicList(json, models) : json => WriteList(json, models));
    }

    public Task GetAsync(HttpContext context)
    {
        var scope = RequestScope.Of(context);
        if (CheckAgent(context, scope) is { } refusal)
        {
            return RefuseAsync(context, refusal);
        }

        // Slashes that were sent encoded are the one thing that the server leaves so.
        var id = Uri.UnescapeDataString(context.GetRouteValue("id") as string ?? "");
        if (ModelList.Find(scope.Config, scope.Key!, id) is not { } model)
        {
            var name = id.Length <= 128 ? id : id[..128] + "…";
            return RefuseAsync(context, new GatewayError(
                404, ErrorTypes.InvalidRequest, ErrorCodes.ModelNotFound, $"There is no model '{name}' for this key. GET /v1/models lists all there are.", "model"));
        }

        return JsonAnswer.WriteAsync(context, IsAnthropic(context) ? json => WriteAnthropic(json, model) : json => Write(json, model));
    }

    private static GatewayError? CheckAgent(HttpContext context, RequestScope scope)
    {
        if (context.GetRouteValue("agent") is not string agent)
        {
            return null;
        }

        var route = ProfileResolver.Resolve(scope.Config, header: null, agent, model: null);
        return route.Error ?? RoutePermission.Check(scope.Key!, route);
    }

    private Task RefuseAsync(HttpContext context, GatewayError error) =>
        ErrorWriter.WriteAsync(context, error, IsAnthropic(context) ? dialects[AnthropicClientDialect.DialectName] : null);

    private static bool IsAnthropic(HttpContext context) => context.Request.Headers.ContainsKey("anthropic-version");

    private void WriteList(Utf8JsonWriter json, List<ModelEntry> models)
    {
        json.WriteStartObject();
        json.WriteString("object"u8, "list"u8);
        json.WriteStartArray("data"u8);
        foreach (var model in models)
        {
            Write(json, model);
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private void Write(Utf8JsonWriter json, ModelEntry model)
    {
        json.WriteStartObject();
        json.WriteString("id"u8, model.Id);
        json.WriteString("object"u8, "model"u8);
        json.WriteNumber("created"u8, _created.ToUnixTimeSeconds());
        json.WriteString("owned_by"u8, model.OwnedBy);
        json.WriteEndObject();
    }

    private void WriteAnthropicList(Utf8JsonWriter json, List<ModelEntry> models)
    {
        json.WriteStartObject();
        json.WriteStartArray("data"u8);
        foreach (var model in models)
        {
            WriteAnthropic(json, model);
        }

        json.WriteEndArray();
        json.WriteBoolean("has_more"u8, false);
        json.WriteString("first_id"u8, models.Count > 0 ? models[0].Id : null);
        json.WriteString("last_id"u8, models.Count > 0 ? models[^1].Id : null);
        json.WriteEndObject();
    }

    private void WriteAnthropic(Utf8JsonWriter json, ModelEntry model)
    {
        json.WriteStartObject();
        json.WriteString("type"u8, "model"u8);
        json.WriteString("id"u8, model.Id);
        json.WriteString("display_name"u8, model.Id);
        json.WriteString("created_at"u8, _created.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture));
        json.WriteEndObject();
    }
}
