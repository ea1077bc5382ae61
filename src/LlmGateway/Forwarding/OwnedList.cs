using System.Net.Http.Headers;
using LlmGateway.Model;
using LlmGateway.Ownership;
using LlmGateway.Resilience;

namespace LlmGateway.Forwarding;

/// <summary>
/// A list as its caller may see it: the provider lists what all clients have made, because to it they are one. A page of which nothing is
/// left is no end of the list, and clients stop at an empty one: the next pages are asked for until one holds something.
/// </summary>
internal sealed class OwnedList(ProviderConnections connections, PassthroughOwners access, ObjectOwners owners)
{
    private const int MostPages = 50;

    /// <summary>Replaces the answer by what the caller may see of it; what stands in the way becomes the call's refusal.</summary>
    /// <param name="call">Whose list it is.</param>
    /// <param name="message">What was asked.</param>
    /// <param name="first">The answer; its content is read and disposed.</param>
    /// <param name="cancellationToken">Stops reading.</param>
    public async Task FilterAsync(PassthroughCall call, HttpRequestMessage message, HttpResponseMessage first, CancellationToken cancellationToken)
    {
        // Disposed last: what cancels the call goes with it.
        using var content = first.Content;
        var type = content.Headers.ContentType;

        // Its length is read, too, so that the end is.
        content.Headers.ContentLength = null;
        var page = await ReplyReader.ReadAllAsync(content, cancellationToken);
        var address = message.RequestUri!;
        for (var left = MostPages; ; left--)
        {
            if (page is { IsEmpty: true })
            {
                Answer(first, page.Value, type);
                return;
            }

            if (page is null || ListedObjects.Read(page.Value) is not { } listed)
            {
                call.Refusal = new GatewayError(
                    502, ErrorTypes.Api, ErrorCodes.AllProvidersFailed, $"Provider '{call.Target.Provider.Name}' answered with a list that cannot be read. Ask for fewer entries with 'limit'.");
                return;
            }

            (var hidden, call.Refusal) = await access.HideAsync(call.Request.Key, call.Request.Config, listed.Items, cancellationToken);
            if (call.Refusal is not null)
            {
                return;
            }

            var isEmptied = hidden.Count > 0 && hidden.Count == listed.Items.Count;
            if (isEmptied && listed.HasMore && left > 0
                && ListPage.After(address, listed.Items[^1].Id) is { } next && await AskAsync(call, message, next, cancellationToken) is { IsEmpty: false } found)
            {
                (address, page) = (next, found);
                continue;
            }

            Answer(first, hidden.Count == 0 ? page.Value : listed.Without(hidden), type);
            return;
        }
    }

    private static void Answer(HttpResponseMessage response, ReadOnlyMemory<byte> json, MediaTypeHeaderValue? type)
    {
        response.Content = new ReadOnlyMemoryContent(json);
        response.Content.Headers.ContentType = type;
        response.Content.Headers.ContentLength = json.Length;
    }

    /// <summary>Another page; null if there is none to be had.</summary>
    private async Task<ReadOnlyMemory<byte>?> AskAsync(PassthroughCall call, HttpRequestMessage message, Uri address, CancellationToken cancellationToken)
    {
        using var next = new HttpRequestMessage(message.Method, address);
        foreach (var (name, values) in message.Headers.NonValidated)
        {
            next.Headers.TryAddWithoutValidation(name, values);
        }

        using var response = await connections.SendAsync(call.Target.Provider, next, cancellationToken);
        if (!response.IsSuccessStatusCode || await ReplyReader.ReadAllAsync(response.Content, cancellationToken) is not { } page)
        {
            return null;
        }

        if (call.Objects is { } objects)
        {
            objects.Read(page);
            await owners.RememberAsync(call.Request.Key.Name, objects.TakeFound());
        }

        return page;
    }
}
