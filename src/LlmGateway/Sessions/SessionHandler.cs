using System.Net.Http.Headers;
using LlmGateway.Api;
using LlmGateway.Model;
using LlmGateway.Resilience;
using LlmGateway.Routing;

namespace LlmGateway.Sessions;

/// <summary>
/// Gives a request its conversation's past and keeps what came of it. A request that brings its own past (an assistant's or a tool's message)
/// is taken at its word: its list takes the stored one's place. An exchange is kept before the client sees the answer's end, so that the
/// next request, on whichever instance, knows it; an answer that broke off is not kept.
/// </summary>
internal sealed class SessionHandler(SessionStore sessions, ChatHistory history, TimeProvider time) : DelegatingHandler
{
    protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage message, CancellationToken cancellationToken) =>
        message.Options.TryGetValue(GatewayRequest.OptionsKey, out var request) && request is { Session: { } session, Operation: Operation.ChatCompletions }
            ? RunAsync(message, request, session, cancellationToken)
            : base.SendAsync(message, cancellationToken);

    private async Task<HttpResponseMessage> RunAsync(HttpRequestMessage message, GatewayRequest request, SessionRef session, CancellationToken cancellationToken)
    {
        var owner = request.Key.Name;
        var (key, found) = await sessions.OpenAsync(session, owner);
        if (found.State is SessionState.Missing or SessionState.Foreign)
        {
            return GatewayErrorContent.Respond(NotFound);
        }

        var messages = new RequestMessages(request);
        var replaces = messages.HasHistory;
        message.Options.Set(GatewayRequest.OptionsKey, Derive(request, messages, replaces ? [] : SessionLimits.WithoutOpenCalls(found.Entries)));
        var response = await base.SendAsync(message, cancellationToken);
        if (response.Content is GatewayErrorContent)
        {
            return response;
        }

        var keeper = new SessionKeeper(sessions, history, time, request, key, messages, replaces);
        if (response.Content.Headers.ContentType?.MediaType == "text/event-stream")
        {
            var source = await response.Content.ReadAsStreamAsync(cancellationToken);
            var watched = new HttpResponseMessage(response.StatusCode) { Content = new StreamedReply(new SessionStream(response, source, keeper)) };
            watched.Content.Headers.ContentType = response.Content.Headers.ContentType;
            return watched;
        }

        using (response)
        {
            var completion = await ReplyReader.ReadAllAsync(response.Content, cancellationToken) ?? default;
            if (AnswerMessage.Of(completion) is { } answer)
            {
                await keeper.KeepAsync(answer);
            }

            var whole = new ReadOnlyMemoryContent(completion);
            whole.Headers.ContentType = new MediaTypeHeaderValue("application/json");
            return new HttpResponseMessage(response.StatusCode) { Content = whole };
        }
    }

    /// <summary>What a caller is told of a session that is not there, or not its own.</summary>
    public static GatewayError NotFound { get; } = new(
        404, ErrorTypes.InvalidRequest, ErrorCodes.SessionNotFound, "There is no such session, or it has expired. Start one with POST /api/chat/session.", "session_id");

    /// <summary>The request with its past in front. What it was in another form than OpenAI's no longer is all of it.</summary>
    private static GatewayRequest Derive(GatewayRequest request, RequestMessages messages, IReadOnlyList<SessionEntry> past)
    {
        if (past.Count == 0)
        {
            return request with { NeedsTranslation = true };
        }

        var body = messages.Prepend(past);
        var (scan, error) = RequestScanner.Scan(request.Operation, body);
        return scan is not null
            ? request with { Body = body, Scan = scan, NeedsTranslation = true }
            : throw new InvalidOperationException($"A session's messages made a request that does not scan: {error!.Message}");
    }
}
