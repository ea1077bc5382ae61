using LlmGateway.Access;
using LlmGateway.Api;
using LlmGateway.Configuration;
using LlmGateway.Database;
using LlmGateway.Model;

namespace LlmGateway.Admin;

/// <summary>
/// <c>/admin/keys</c>: lists the client keys, makes one, revokes those of a name. A key is shown once, in the answer that made it; what tells
/// anything of it afterwards, its hash included, is never shown.
/// </summary>
internal sealed class KeysEndpoint(MintedKeys minted, ConfigStart start)
{
    private const int MostBytes = 64 * 1024;

    private static readonly GatewayError NoDatabase = new(
        503, ErrorTypes.Overloaded, ErrorCodes.StoreUnavailable, "The database does not answer: nothing was changed. Try again soon.", RetryAfter: TimeSpan.FromSeconds(2));

    public Task ListAsync(HttpContext context)
    {
        var configured = RequestScope.Of(context).Config.ClientKeys.Values.OrderBy(key => key.Name, StringComparer.Ordinal).ToList();
        return JsonAnswer.WriteAsync(context, json =>
        {
            json.WriteStartObject();
            json.WriteStartArray("data"u8);
            foreach (var key in configured)
            {
                KeyJson.WriteConfigured(json, key);
            }

            foreach (var key in minted.All)
            {
                KeyJson.WriteMinted(json, key);
            }

            json.WriteEndArray();
            json.WriteEndObject();
        });
    }

    public async Task MintAsync(HttpContext context)
    {
        var (body, error) = await RequestBody.ReadJsonAsync(context.Request, MostBytes, context.RequestAborted);
        var (definition, json) = (default(ClientKey), "");
        if (error is null)
        {
            (definition, json, error) = Read(body.Span);
        }

        if (definition is null)
        {
            await ErrorWriter.WriteAsync(context, error!);
            return;
        }

        try
        {
            var (key, made) = await minted.MintAsync(definition, json, context.RequestAborted);
            await JsonAnswer.WriteAsync(context, writer => KeyJson.WriteMinted(writer, made, key));
        }
        catch (DatabaseUnavailableException)
        {
            await ErrorWriter.WriteAsync(context, NoDatabase);
        }
    }

    public async Task RevokeAsync(HttpContext context)
    {
        var name = context.GetRouteValue("name") as string ?? "";
        try
        {
            if (await minted.RevokeAsync(name, context.RequestAborted) > 0)
            {
                context.Response.StatusCode = StatusCodes.Status204NoContent;
                return;
            }
        }
        catch (DatabaseUnavailableException)
        {
            await ErrorWriter.WriteAsync(context, NoDatabase);
            return;
        }

        await ErrorWriter.WriteAsync(context, RequestScope.Of(context).Config.ClientKeys.Values.Any(key => key.Name == name)
            ? new GatewayError(409, ErrorTypes.Conflict, ErrorCodes.ConfigReadOnly, "This key stands in the configuration. Remove it there: the file is read again at once.")
            : new GatewayError(404, ErrorTypes.InvalidRequest, ErrorCodes.NotFound, "There is no client key of this name."));
    }

    private (ClientKey? Key, string Json, GatewayError? Error) Read(ReadOnlySpan<byte> body)
    {
        if (RequestScanner.CheckObject(body) is { } malformed)
        {
            return (null, "", malformed);
        }

        if (start.Loader.ReadMintedKey(body, [], out var problems) is { } key)
        {
            return (key, KeyJson.Compact(body), null);
        }

        var problem = problems[0];
        var member = problem.Member.Length == 0 ? "The key" : $"'{problem.Member}'";
        return (null, "", GatewayError.InvalidValue(problem.Member, $"{member} {problem.Reason}.{(problem.Remedy is null ? "" : " " + problem.Remedy)}"));
    }
}
