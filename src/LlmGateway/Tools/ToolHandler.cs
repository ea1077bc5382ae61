using System.Net;
using System.Net.Http.Headers;
using LlmGateway.Model;
using LlmGateway.Resilience;
using LlmGateway.Routing;

namespace LlmGateway.Tools;

/// <summary>
/// The bounded tool loop: offers the profile's tools to the model, runs those that it calls, and asks again until it answers. Calls of the
/// client's own tools go to the client; when one answer calls both kinds, the client gets its own calls and the gateway's are left out,
/// because the client could not bring their results back.
/// </summary>
internal sealed class ToolHandler(ToolCatalog catalog, ToolRunner runner, TimeProvider time) : DelegatingHandler
{
    /// <summary>Rounds in which tools may be called; then the model has to answer with what it has.</summary>
    public const int MaxRounds = 5;

    private static readonly MediaTypeHeaderValue EventStream = new("text/event-stream");

    private static readonly MediaTypeHeaderValue Json = new("application/json");

    protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage message, CancellationToken cancellationToken) =>
        message.Options.TryGetValue(GatewayRequest.OptionsKey, out var request) && request.Tools.Count > 0 && request.Operation == Operation.ChatCompletions
            ? RunAsync(message, request, cancellationToken)
            : base.SendAsync(message, cancellationToken);

    private async Task<HttpResponseMessage> RunAsync(HttpRequestMessage message, GatewayRequest request, CancellationToken cancellationToken)
    {
        var waitedFrom = time.GetTimestamp();
        var tools = await catalog.ResolveAsync(request, cancellationToken);
        request.Tally.ProviderWait += time.GetElapsedTime(waitedFrom);
        var (conversation, error) = tools.Count == 0 ? default : ToolConversation.Begin(request, tools);
        if (error is not null)
        {
            return GatewayErrorContent.Respond(error);
        }

        if (conversation is null)
        {
            return await base.SendAsync(message, cancellationToken);
        }

        if (!request.Scan.IsStreaming)
        {
            return await AnswerWholeAsync(conversation, request, cancellationToken);
        }

        var stream = new ToolStream(conversation, request, runner, AskAsync, time, cancellationToken);
        var isOpen = false;
        try
        {
            if (await stream.OpenAsync(cancellationToken) is { } refusal)
            {
                return refusal;
            }

            isOpen = true;
        }
        finally
        {
            if (!isOpen)
            {
                // Refused, or the client left before anything was visible: the round under way goes too.
                await stream.DisposeAsync();
            }
        }

        var content = new StreamedReply(stream);
        content.Headers.ContentType = EventStream;
        return new HttpResponseMessage(HttpStatusCode.OK) { Content = content };
    }

    private async Task<HttpResponseMessage> AnswerWholeAsync(ToolConversation conversation, GatewayRequest request, CancellationToken cancellationToken)
    {
        TokenUsage? spent = null;
        for (var round = 0; ; round++)
        {
            var mayCall = round < MaxRounds;
            var response = await AskAsync(conversation.Next(mayCall), cancellationToken);
            if (response.StatusCode != HttpStatusCode.OK || await ReplyReader.ReadAllAsync(response.Content, cancellationToken) is not { } body)
            {
                return response;
            }

            using var answer = ToolAnswer.Read(body, conversation.IsOwn);
            response.Dispose();
            if (!mayCall || !answer.CallsToolsOnly)
            {
                return Answer(answer.Finish(spent));
            }

            var usage = answer.Usage ?? request.Tally.Answer?.Usage ?? default;
            spent = spent is { } before ? before + usage : usage;
            request.Tally.MarkToolRound();
            var started = time.GetTimestamp();
            var outputs = await runner.RunAsync(answer.Calls, conversation.Tools, request, cancellationToken);
            request.Tally.ProviderWait += time.GetElapsedTime(started);
            conversation.Append(answer.Content, answer.Calls, outputs);
        }
    }

    /// <summary>One round through the rest of the chain.</summary>
    private async Task<HttpResponseMessage> AskAsync(GatewayRequest request, CancellationToken cancellationToken)
    {
        using var message = new HttpRequestMessage(HttpMethod.Post, "http://provider.invalid/");
        message.Options.Set(GatewayRequest.OptionsKey, request);
        return await base.SendAsync(message, cancellationToken);
    }

    private static HttpResponseMessage Answer(ReadOnlyMemory<byte> body)
    {
        var content = new ReadOnlyMemoryContent(body);
        content.Headers.ContentType = Json;
        return new HttpResponseMessage(HttpStatusCode.OK) { Content = content };
    }
}
