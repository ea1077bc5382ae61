using LlmGateway.Access;
using LlmGateway.Model;
using LlmGateway.Ownership;

namespace LlmGateway.Forwarding;

/// <summary>Whether the caller of a path that is passed on may name the objects in it. All clients are one to the provider: this is where they are told apart.</summary>
internal sealed class PassthroughOwners(ObjectOwners owners, MintedKeys minted)
{
    private static readonly GatewayError NotFound = new(
        404, ErrorTypes.InvalidRequest, ErrorCodes.NotFound, "There is no such object: it does not exist, or it was made with another client key.");

    private static readonly GatewayError Unknown = new(
        503, ErrorTypes.Overloaded, ErrorCodes.StoreUnavailable, "The database is not available now, so it cannot be told whose object this is.", RetryAfter: TimeSpan.FromSeconds(2));

    /// <summary>Whether callers are told apart at all: without authentication there is one tenant.</summary>
    public static bool Concerns(ClientKey key) => !ReferenceEquals(key, ClientKey.Anonymous);

    /// <summary>The refusal of a call that names another's object; null: it may go on.</summary>
    /// <param name="key">The caller.</param>
    /// <param name="config">The other keys.</param>
    /// <param name="ids">What it names.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    public async ValueTask<GatewayError?> RefuseAsync(ClientKey key, GatewayConfig config, IReadOnlyCollection<string> ids, CancellationToken cancellationToken)
    {
        if (!Concerns(key))
        {
            return null;
        }

        return await owners.CheckAsync(key.Name, ids, cancellationToken) switch
        {
            OwnerVerdict.Foreign => NotFound,
            OwnerVerdict.Unsure when HasOthers(key, config) => Unknown,
            _ => null,
        };
    }

    /// <summary>What of a list the caller must not see: others' objects, and files of jobs of which nobody knows whose they are.</summary>
    /// <param name="key">The caller.</param>
    /// <param name="config">The other keys.</param>
    /// <param name="items">The list.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    public async ValueTask<(IReadOnlySet<int> Hidden, GatewayError? Error)> HideAsync(
        ClientKey key, GatewayConfig config, IReadOnlyList<ListedObject> items, CancellationToken cancellationToken)
    {
        var hidden = new HashSet<int>();
        var known = await owners.FindAsync([.. items.Where(static item => item.Id is not null).Select(static item => item.Id!)], cancellationToken);
        var hasOthers = HasOthers(key, config);
        if (known is null)
        {
            return (hidden, hasOthers ? Unknown : null);
        }

        for (var i = 0; i < items.Count; i++)
        {
            var owner = items[i].Id is { } id ? known.GetValueOrDefault(id) : null;
            if (owner is null ? hasOthers && items[i].IsOfJob : owner != key.Name)
            {
                hidden.Add(i);
            }
        }

        return (hidden, null);
    }

    /// <summary>Keys of one name are one owner.</summary>
    private bool HasOthers(ClientKey key, GatewayConfig config) =>
        config.ClientKeys.Values.Any(other => other.Name != key.Name) || minted.All.Any(other => other.Key.Name != key.Name);
}
