namespace LlmGateway.Forwarding;

/// <summary>Addresses of a list's pages.</summary>
internal static class ListPage
{
    private const string Cursor = "after=";

    /// <summary>The address of what follows an entry; null where the list is read from its end, or the entry has no id.</summary>
    public static Uri? After(Uri address, string? id)
    {
        var parameters = address.Query.TrimStart('?').Split('&', StringSplitOptions.RemoveEmptyEntries);
        if (id is null || Array.Exists(parameters, static parameter => parameter.StartsWith("before=", StringComparison.Ordinal)))
        {
            return null;
        }

        var others = parameters.Where(static parameter => !parameter.StartsWith(Cursor, StringComparison.Ordinal));
        return new UriBuilder(address) { Query = string.Join('&', others.Append(Cursor + Uri.EscapeDataString(id))) }.Uri;
    }
}
