namespace LlmGateway.Api;

/// <summary>What every answer tells browsers and caches on the way: keep nothing, guess nothing, tell nobody where it came from.</summary>
internal static class SecurityHeaders
{
    public static void Add(IHeaderDictionary headers)
    {
        headers.CacheControl = "no-store";
        headers.XContentTypeOptions = "nosniff";
        headers["Referrer-Policy"] = "no-referrer";
        headers["Cross-Origin-Resource-Policy"] = "same-origin";
    }

    /// <summary>For pages of the gateway's own: they load nothing from elsewhere, and nobody puts them into a frame.</summary>
    public static void AddForPages(IHeaderDictionary headers) =>
        headers.ContentSecurityPolicy = "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'";
}
