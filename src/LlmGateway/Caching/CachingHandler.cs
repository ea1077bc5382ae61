using System.Net;
using System.Net.Http.Headers;
using LlmGateway.Model;
using LlmGateway.Resilience;
using LlmGateway.Routing;
using LlmGateway.Telemetry;

namespace LlmGateway.Caching;

/// <summary>
/// Answers again what was answered before, where the profile says how long that holds (<c>cache_ttl</c>). Only whole and clean answers are
/// kept, apart for each client key; identical requests at the same time share one call. A request that the gateway runs tools for is never
/// answered from here: what tools say changes.
/// </summary>
internal sealed class CachingHandler(ResponseCache cache, CacheFlights flights, GatewayMetrics metrics, TimeProvider time) : DelegatingHandler
{
    private const string Event = "text/event-stream";

    protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage message, CancellationToken cancellationToken)
    {
        if (!message.Options.TryGetValue(GatewayRequest.OptionsKey, out var request) || request.Profile.CacheTtl is not { } ttl)
        {
            return base.SendAsync(message, cancellationToken);
        }

        if (ttl <= TimeSpan.Zero || request.CachePolicy == CachePolicy.NoStore || request.Tools.Count > 0 || request.NativeOnly is not null || request.Operation == Operation.Passthrough)
        {
            metrics.CacheRequest("bypass");
            return base.SendAsync(message, cancellationToken);
        }

        // The cache speaks OpenAI's form, as all behind it does then.
        request = request with { NeedsTranslation = true };
        message.Options.Set(GatewayRequest.OptionsKey, request);
        return RunAsync(message, request, ttl, cancellationToken);
    }

    private async Task<HttpResponseMessage> RunAsync(HttpRequestMessage message, GatewayRequest request, TimeSpan ttl, CancellationToken cancellationToken)
    {
        var key = CacheKey.Of(request);
        var isFresh = request.CachePolicy == CachePolicy.NoCache;
        CacheFlight? flight = null;
        while (!isFresh)
        {
            flight = flights.Join(key, out var leads);
            if (leads)
            {
                // Looked for only now: an answer is kept before its flight has landed, so that nobody comes between the two and asks again.
                if (await cache.FindAsync(key) is { } found)
                {
                    flight.Share(found);
                    return Hit(request, found);
                }

                break;
            }

            var left = request.TimeLeft(time);
            if (left <= TimeSpan.Zero || await Task.WhenAny(flight.Landed, Task.Delay(left, time, cancellationToken)) != flight.Landed)
            {
                cancellationToken.ThrowIfCancellationRequested();
                return GatewayErrorContent.Respond(RouteOutcome.OutOfTime);
            }

            var landing = await flight.Landed;
            flight = null;
            if (landing.Entry is { } shared)
            {
                return Hit(request, shared);
            }

            if (!landing.WasAbandoned)
            {
                break;
            }
        }

        request.Tally.Cache = CacheOutcome.Miss;
        metrics.CacheRequest("miss");
        return await AskAsync(message, request, new CacheWriter(cache, flight, key, ttl, request), cancellationToken);
    }

    private async Task<HttpResponseMessage> AskAsync(HttpRequestMessage message, GatewayRequest request, CacheWriter writer, CancellationToken cancellationToken)
    {
        var keepsWriter = false;
        try
        {
            var response = await base.SendAsync(message, cancellationToken);
            if (response.Content is GatewayErrorContent)
            {
                writer.GiveUp();
                return response;
            }

            if (response.Content.Headers.ContentType?.MediaType == Event)
            {
                var source = await response.Content.ReadAsStreamAsync(cancellationToken);
                keepsWriter = true;
                return Answer(new StreamedReply(new CachedStream(response, source, writer)), Event);
            }

            using (response)
            {
                var body = await ReplyReader.ReadAllAsync(response.Content, cancellationToken) ?? default;
                await writer.KeepWholeAsync(body);
                return Answer(new ReadOnlyMemoryContent(body), "application/json");
            }
        }
        finally
        {
            if (!keepsWriter)
            {
                // Thrown out of here: the client has left.
                writer.Dispose();
            }
        }
    }

    private HttpResponseMessage Hit(GatewayRequest request, CacheEntry entry)
    {
        metrics.CacheRequest("hit");
        request.Tally.Cache = CacheOutcome.Hit;
        var target = Target(request, entry);
        request.Tally.Cached = new CachedAnswer(target, entry.CostMicroUsd);
        metrics.CacheSaved(request.Profile.Name, target, entry.CostMicroUsd);
        return Answer(new ReadOnlyMemoryContent(entry.Body), entry.IsStream ? Event : "application/json");
    }

    /// <summary>The target of that name in this configuration: what the store says is no label by itself.</summary>
    private static ProviderTarget Target(GatewayRequest request, CacheEntry entry) =>
        request.Config.Providers.TryGetValue(entry.Provider, out var provider) ? request.Config.MakeTarget(provider, entry.Model) : request.Profile.Target;

    private static HttpResponseMessage Answer(HttpContent content, string type)
    {
        content.Headers.ContentType = new MediaTypeHeaderValue(type);
        return new HttpResponseMessage(HttpStatusCode.OK) { Content = content };
    }
}
