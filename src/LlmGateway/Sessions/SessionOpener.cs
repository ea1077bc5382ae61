using LlmGateway.Api;
using LlmGateway.Model;

namespace LlmGateway.Sessions;

/// <summary>
/// Puts a conversation's past in front of a request, before anything is counted or asked: what is remembered costs tokens like what is sent.
/// A request that brings its own past (an assistant's or a tool's message) is taken at its word: its list takes the stored one's place.
/// </summary>
internal sealed class SessionOpener(SessionStore sessions, ChatHistory history, TimeProvider time)
{
    /// <summary>The request with its past; as it is where it belongs to no session. Or why the session cannot be used.</summary>
    public ValueTask<(GatewayRequest Request, GatewayError? Error)> OpenAsync(GatewayRequest request) =>
        request is { Session: { } session, Operation: Operation.ChatCompletions } ? OpenAsync(request, session) : new((request, null));

    private async ValueTask<(GatewayRequest Request, GatewayError? Error)> OpenAsync(GatewayRequest request, SessionRef session)
    {
        var (key, found) = await sessions.OpenAsync(session, request.Key.Name);
        if (found.State is SessionState.Missing or SessionState.Foreign)
        {
            return (request, SessionErrors.NotFound);
        }

        var messages = new RequestMessages(request);
        var keeper = new SessionKeeper(sessions, history, time, request, key, messages);
        return (WithPast(request, messages, SessionLimits.WithoutOpenCalls(found.Entries)) with { SessionKeeper = keeper, NeedsTranslation = true }, null);
    }

    /// <summary>What it was in another form than OpenAI's no longer is all of it.</summary>
    private static GatewayRequest WithPast(GatewayRequest request, RequestMessages messages, IReadOnlyList<SessionEntry> past)
    {
        if (messages.HasHistory || past.Count == 0)
        {
            return request;
        }

        var body = messages.Prepend(past);
        var (scan, error) = RequestScanner.Scan(request.Operation, body);
        return scan is not null
            ? request with { Body = body, Scan = scan }
            : throw new InvalidOperationException($"A session's messages made a request that does not scan: {error!.Message}");
    }
}
