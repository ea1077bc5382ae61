using System.Net.Http.Headers;
using LlmGateway.Model;

namespace LlmGateway.Providers;

/// <summary>Tells a provider which department and which user is calling, under the names that its settings give.</summary>
internal static class IdentityHeaders
{
    public static void Add(HttpRequestHeaders headers, IdentityHeaderNames names, GatewayRequest request, ProviderTarget target)
    {
        Add(headers, names.Ticket, request.Identity.Ticket ?? target.Ticket);
        Add(headers, names.UserId, request.Identity.UserId);
        Add(headers, names.UserType, request.Identity.UserType);
        Add(headers, names.SystemName, request.Config.SystemName);
        Add(headers, names.PromptMessageId, UniqueIds.NewVersion4().ToString());
        Add(headers, names.CompletionMessageId, UniqueIds.NewVersion4().ToString());
    }

    private static void Add(HttpRequestHeaders headers, string name, string? value)
    {
        if (value is not null)
        {
            headers.TryAddWithoutValidation(name, value);
        }
    }
}
