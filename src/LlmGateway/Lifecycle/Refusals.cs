using LlmGateway.Model;

namespace LlmGateway.Lifecycle;

/// <summary>What clients are told whose request the gateway cannot take, or cannot go on with.</summary>
internal static class Refusals
{
    /// <summary>Another instance, or this one started anew, is there by then.</summary>
    public static readonly GatewayError ShuttingDown = new(
        503, ErrorTypes.Overloaded, ErrorCodes.ShuttingDown, "The gateway is shutting down. Send the request again.", RetryAfter: TimeSpan.FromSeconds(5));

    /// <summary>Told in the middle of a stream.</summary>
    public static readonly GatewayError KeyEnded = new(
        401, ErrorTypes.InvalidRequest, ErrorCodes.InvalidApiKey, "The API key was revoked or has expired; the answer is incomplete.");

    public static readonly GatewayError Overloaded = new(
        503, ErrorTypes.Overloaded, ErrorCodes.GatewayOverloaded, "The gateway has as many requests as it takes (GATEWAY_MAX_CONCURRENCY, GATEWAY_QUEUE). Send the request again.", RetryAfter: TimeSpan.FromSeconds(1));

    public static readonly GatewayError HeapFull = new(
        503, ErrorTypes.Overloaded, ErrorCodes.GatewayOverloaded, "The gateway has no memory left for this request. Send the request again.", RetryAfter: TimeSpan.FromSeconds(1));
}
