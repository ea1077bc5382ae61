using LlmGateway.Model;

namespace LlmGateway.Admin;

/// <summary>What administration answers while the database is away.</summary>
internal static class StoreErrors
{
    public static GatewayError Unavailable { get; } = new(
        503, ErrorTypes.Overloaded, ErrorCodes.StoreUnavailable, "The database is not available now; /health/ready tells why. Records are kept until it is back.", RetryAfter: TimeSpan.FromSeconds(2));
}
