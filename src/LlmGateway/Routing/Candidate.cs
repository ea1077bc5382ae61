using System.Net;
using System.Net.Http.Headers;
using LlmGateway.Model;
using LlmGateway.Resilience;

namespace LlmGateway.Routing;

/// <summary>One of two answers to the same request, read to its end before anybody sees it; or why there is none.</summary>
internal sealed class Candidate
{
    private readonly ReadOnlyMemory<byte> _body;
    private readonly MediaTypeHeaderValue? _type;

    private Candidate(ProviderTarget target, AttemptFailure failure) => (Target, Failure) = (target, failure);

    private Candidate(ProviderTarget target, AttemptTally? attempt, ReadOnlyMemory<byte> body, MediaTypeHeaderValue? type, bool shallBeJson)
    {
        (Target, Attempt, _body, _type) = (target, attempt, body, type);
        Text = type?.MediaType == "text/event-stream" ? AnswerText.OfStream(body.Span) : AnswerText.OfCompletion(body);
        IsWellFormed = !Text.IsEmpty && (!shallBeJson || Text.HasToolCalls || Text.IsRefusal || (Text.Finish != "length" && JsonGuard.IsJson(Text.Content)));
    }

    public ProviderTarget Target { get; }

    public AttemptTally? Attempt { get; }

    public AttemptFailure? Failure { get; }

    public AnswerText? Text { get; }

    /// <summary>Whether it says something, and in JSON where JSON was asked for.</summary>
    public bool IsWellFormed { get; }

    /// <summary>Reads an answer to its end. A stream that breaks off half-way is a failure here: nothing of it has reached the client.</summary>
    public static async Task<Candidate> CollectAsync(GatewayRequest request, ProviderTarget target, AttemptResult result, CancellationToken cancellationToken)
    {
        if (result.Response is not { } response)
        {
            return new Candidate(target, result.Failure!);
        }

        using (response)
        {
            var body = await ReplyReader.ReadAllAsync(response.Content, cancellationToken);
            var outcome = body is null ? FailureReason.InvalidResponse : result.Attempt?.Outcome ?? FailureReason.None;
            return outcome == FailureReason.None
                ? new Candidate(target, result.Attempt, body!.Value, response.Content.Headers.ContentType, JsonGuard.WantsJson(request, target))
                : new Candidate(target, new AttemptFailure(outcome, 200));
        }
    }

    /// <summary>The answer as the client gets it: a stream in one go where it asked for one.</summary>
    public HttpResponseMessage ToResponse() => new(HttpStatusCode.OK) { Content = new ReadOnlyMemoryContent(_body) { Headers = { ContentType = _type } } };
}
