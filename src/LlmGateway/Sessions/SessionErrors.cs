using LlmGateway.Model;

namespace LlmGateway.Sessions;

/// <summary>What callers are told of sessions.</summary>
internal static class SessionErrors
{
    /// <summary>It is not there, or not the caller's own: nobody learns which.</summary>
    public static readonly GatewayError NotFound = new(
        404, ErrorTypes.InvalidRequest, ErrorCodes.SessionNotFound, "There is no such session, or it has expired. Start one with POST /api/chat/session.", "session_id");
}
