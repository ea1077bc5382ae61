using LlmGateway.Model;

namespace LlmGateway.Api;

/// <summary>What is known of one HTTP request from its arrival to its end: ids, caller, what it turned out to be. One per request, kept as a feature.</summary>
internal sealed class RequestScope(RequestTally tally, GatewayConfig config, string endpoint, DateTimeOffset time)
{
    public RequestTally Tally { get; } = tally;

    /// <summary>The snapshot that this request keeps to its end.</summary>
    public GatewayConfig Config { get; } = config;

    /// <summary>Route template, for metrics and records.</summary>
    public string Endpoint { get; } = endpoint;

    /// <summary>When it came.</summary>
    public DateTimeOffset Time { get; } = time;

    /// <summary>Set once the caller is known.</summary>
    public ClientKey? Key { get; set; }

    /// <summary>Set once the body has been read and its route is known.</summary>
    public GatewayRequest? Request { get; set; }

    /// <summary>The lent buffer that holds the body; null: it has none.</summary>
    public byte[]? BodyBuffer { get; set; }

    /// <summary>The user that the call is for, as far as it is known.</summary>
    public string? UserId { get; set; }

    public static RequestScope Of(HttpContext context) =>
        context.Features.Get<RequestScope>() ?? throw new InvalidOperationException("The request scope middleware has not run.");
}
