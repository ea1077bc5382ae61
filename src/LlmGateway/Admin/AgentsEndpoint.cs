using System.Text.Json;
using System.Text.Json.Nodes;
using LlmGateway.Api;
using LlmGateway.Configuration;
using LlmGateway.Model;

namespace LlmGateway.Admin;

/// <summary><c>/admin/agents</c>: the agents as the file has them, and changes to it that are in force when the answer comes.</summary>
internal sealed class AgentsEndpoint(AgentsFile file, HostSettings settings)
{
    public Task ListAsync(HttpContext context) => JsonAnswer.WriteAsync(context, writer =>
    {
        writer.WriteStartObject();
        writer.WriteStartArray("data"u8);
        foreach (var (name, agent) in file.List())
        {
            var shown = new JsonObject { ["name"] = name };
            foreach (var (member, value) in agent)
            {
                shown[member] = value?.DeepClone();
            }

            shown.WriteTo(writer);
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
    });

    public Task GetAsync(HttpContext context)
    {
        var name = NameOf(context);
        return file.List().Where(agent => agent.Key == name).Select(agent => agent.Value).FirstOrDefault() is { } found
            ? JsonAnswer.WriteAsync(context, writer => found.WriteTo(writer))
            : ErrorWriter.WriteAsync(context, NotFound(name));
    }

    public async Task PutAsync(HttpContext context)
    {
        var (body, error) = await RequestBody.ReadJsonAsync(context.Request, Math.Min(settings.MaxBodyBytes, ConfigFileContent.MaxBytes), context.RequestAborted);
        error ??= RequestScanner.CheckObject(body.Span);
        if (error is not null)
        {
            await ErrorWriter.WriteAsync(context, error);
            return;
        }

        using var agent = JsonDocument.Parse(body);
        var shown = agent.RootElement.Clone();
        await AnswerAsync(context, await file.PutAsync(NameOf(context), agent.RootElement, context.RequestAborted), () => JsonAnswer.WriteAsync(context, writer => shown.WriteTo(writer)));
    }

    public async Task DeleteAsync(HttpContext context) =>
        await AnswerAsync(context, await file.DeleteAsync(NameOf(context), context.RequestAborted), () =>
        {
            context.Response.StatusCode = StatusCodes.Status204NoContent;
            return Task.CompletedTask;
        });

    private static Task AnswerAsync(HttpContext context, AgentsFileChange change, Func<Task> succeed) => change.Outcome switch
    {
        AgentsFileOutcome.Changed => succeed(),
        AgentsFileOutcome.NotFound => ErrorWriter.WriteAsync(context, NotFound(NameOf(context))),
        AgentsFileOutcome.Invalid => ErrorWriter.WriteAsync(context, GatewayError.Invalid(ErrorCodes.InvalidRequest, $"The agent is refused, nothing was written: {change.Problem}")),
        _ => ErrorWriter.WriteAsync(context, new GatewayError(409, ErrorTypes.Conflict, ErrorCodes.ConfigReadOnly, change.Problem!)),
    };

    private static GatewayError NotFound(string name) =>
        new(404, ErrorTypes.InvalidRequest, ErrorCodes.AgentNotFound, $"There is no agent '{ShortName.Of(name)}' in the agents file.", "name");

    private static string NameOf(HttpContext context) => context.GetRouteValue("name") as string ?? "";
}
