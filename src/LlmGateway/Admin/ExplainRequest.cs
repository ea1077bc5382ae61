using System.Text.Json;
using LlmGateway.Api;
using LlmGateway.Model;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Admin;

/// <summary>The request that an operator wants explained.</summary>
/// <param name="Agent">As <c>X-Agent-Profile</c> would name it.</param>
/// <param name="Model">As the body would name it.</param>
/// <param name="IsStreaming">Whether it would stream.</param>
/// <param name="HasTools">Whether it would bring tools.</param>
/// <param name="Key">Name of the client key that it would come with; null: nobody's limits apply.</param>
internal sealed record ExplainRequest(string? Agent, string? Model, bool IsStreaming, bool HasTools, string? Key)
{
    public static (ExplainRequest? Request, GatewayError? Error) Read(ReadOnlyMemory<byte> body)
    {
        if (RequestScanner.CheckObject(body.Span) is { } malformed)
        {
            return (null, malformed);
        }

        using var document = JsonDocument.Parse(body, OpenAiJson.Reading);
        var members = new BodyMembers(document.RootElement, "agent", "model", "stream", "tools", "key");
        var request = new ExplainRequest(members.Text("agent"), members.Text("model"), members.Flag("stream", usual: false), members.Flag("tools", usual: false), members.Text("key"));
        return members.Error is { } error ? (null, error) : (request, null);
    }
}
