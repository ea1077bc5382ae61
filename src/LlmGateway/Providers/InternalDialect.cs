using System.Net.Http.Headers;
using LlmGateway.Model;

namespace LlmGateway.Providers;

/// <summary>The company's own OpenAI-compatible API: OpenAI's form, and the headers that say which department and which user is calling.</summary>
public sealed class InternalDialect(ToolCallStates? states = null) : OpenAiDialect(states)
{
    public override string Name => "internal";

    protected override void AddHeaders(HttpRequestHeaders headers, GatewayRequest request, ProviderTarget target)
    {
        base.AddHeaders(headers, request, target);
        var names = target.Provider.IdentityHeaders ?? IdentityHeaderNames.Default;
        Add(headers, names.Ticket, request.Identity.Ticket ?? target.Ticket);
        Add(headers, names.UserId, request.Identity.UserId);
        Add(headers, names.UserType, request.Identity.UserType);
        Add(headers, names.SystemName, request.Config.SystemName);
        Add(headers, names.PromptMessageId, Guid.NewGuid().ToString());
        Add(headers, names.CompletionMessageId, Guid.NewGuid().ToString());
    }

    private static void Add(HttpRequestHeaders headers, string name, string? value)
    {
        if (value is not null)
        {
            headers.TryAddWithoutValidation(name, value);
        }
    }
}
