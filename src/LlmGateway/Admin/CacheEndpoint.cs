using LlmGateway.Api;
using LlmGateway.Caching;
using LlmGateway.Model;

namespace LlmGateway.Admin;

/// <summary><c>DELETE /admin/cache</c>: forgets all cached answers, on all instances where they share a Redis.</summary>
internal sealed class CacheEndpoint(ResponseCache cache)
{
    public async Task ClearAsync(HttpContext context)
    {
        if (await cache.ClearAsync())
        {
            context.Response.StatusCode = StatusCodes.Status204NoContent;
            return;
        }

        await ErrorWriter.WriteAsync(context, new GatewayError(
            503, ErrorTypes.Overloaded, ErrorCodes.StoreUnavailable, "The shared cache cannot be cleared now: Redis is not available. Nothing is answered from it meanwhile; try again.", RetryAfter: TimeSpan.FromSeconds(5)));
    }
}
