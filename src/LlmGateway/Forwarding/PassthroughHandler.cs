using System.Net;
using System.Net.Http.Headers;
using LlmGateway.Lifecycle;
using LlmGateway.Model;
using LlmGateway.Ownership;
using LlmGateway.Resilience;

namespace LlmGateway.Forwarding;

/// <summary>The provider side of a passed-on call: the provider's own connections, and a watch on the answer's body. Never a second try.</summary>
internal sealed class PassthroughHandler(ProviderConnections connections, ObjectOwners owners, OwnedList list, GatewayLifecycle lifecycle, TimeProvider time, ICallJournal? journal = null, IKeyEnds? keyEnds = null) : HttpMessageHandler
{
    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage message, CancellationToken cancellationToken)
    {
        if (!message.Options.TryGetValue(PassthroughCall.OptionsKey, out var call))
        {
            throw new InvalidOperationException("The handler was called without a call to pass on.");
        }

        call.Started = time.GetTimestamp();
        if (journal is not null)
        {
            // The call's own tally begins when its answer has told the model; the note needs only its place.
            await journal.DispatchingAsync(call.Request, new AttemptTally(call.Target, AttemptRole.Answer, call.Started));
        }

        if (message.Content is { } body)
        {
            message.Content = new FlushedContent(body);
        }

        var reading = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, lifecycle.Ending);
        try
        {
            var response = await connections.SendAsync(call.Target.Provider, message, reading.Token);
            call.Answered = time.GetTimestamp();
            call.Status = (int)response.StatusCode;
            if (response.StatusCode is HttpStatusCode.NoContent or HttpStatusCode.ResetContent)
            {
                // Neither may have a body, and the server fails where one is announced.
                response.Content.Dispose();
                response.Content = new ByteArrayContent([]);
            }

            var objects = response.IsSuccessStatusCode ? call.Objects : null;
            call.Usage = response.Content.Headers.ContentType?.MediaType switch
            {
                "application/json" => new PassthroughUsage(isStream: false, objects),
                "text/event-stream" => new PassthroughUsage(isStream: true, objects),
                _ => null,
            };
            var source = await response.Content.ReadAsStreamAsync(reading.Token);
            Stream stream = new WatchedStream(source, call, reading, lifecycle, call.Usage is { IsStream: true } ? keyEnds?.Of(call.Request.Key) ?? default : default);
            var watched = new StreamedReply(objects is null || call.Usage is null ? stream : new OwnedAnswerStream(stream, call, objects, owners));
            CopyHeaders(response.Content.Headers, watched.Headers);
            response.Content = watched;
            if (call.IsList && response.IsSuccessStatusCode && call.Usage is { IsStream: false })
            {
                await list.FilterAsync(call, message, response, reading.Token);
            }

            return response;
        }
        catch
        {
            reading.Dispose();
            throw;
        }
    }

    private static void CopyHeaders(HttpContentHeaders from, HttpContentHeaders to)
    {
        foreach (var (name, values) in from.NonValidated)
        {
            to.TryAddWithoutValidation(name, values);
        }
    }
}
