using System.Text;
using LlmGateway.Configuration;
using LlmGateway.Model;

namespace LlmGateway.Api;

/// <summary>The text of requests and of their answers in the log, for an operator who asks for it with <c>LLM_LOG_CONTENT</c>; without it nothing of either is ever written.</summary>
internal sealed partial class ContentLog(HostSettings settings, ILogger<ContentLog> logger)
{
    private const int MostBytes = 16 * 1024;

    public void Write(GatewayRequest request)
    {
        if (settings.LogsContent)
        {
            var body = request.Body.Span;
            Log.Content(logger, request.Tally.RequestId, Encoding.UTF8.GetString(body[..Math.Min(body.Length, MostBytes)]));
        }
    }

    /// <summary>Has the beginning of the answer kept as it goes out; null where nobody asks for it.</summary>
    public AnswerCopy? Copy(HttpResponse response)
    {
        if (!settings.LogsContent)
        {
            return null;
        }

        var copy = new AnswerCopy(response.Body, MostBytes);
        response.Body = copy;
        return copy;
    }

    /// <summary>What the client got, as it got it: a stream event by event, translated where it speaks another form.</summary>
    public void Write(GatewayRequest request, AnswerCopy? answer)
    {
        if (answer is not null)
        {
            Log.Answer(logger, request.Tally.RequestId, Encoding.UTF8.GetString(answer.Kept.Span));
        }
    }

    private static partial class Log
    {
        [LoggerMessage(EventId = 105, Level = LogLevel.Information, Message = "Request {RequestId} asks {Content}")]
        public static partial void Content(ILogger logger, string requestId, string content);

        [LoggerMessage(EventId = 106, Level = LogLevel.Information, Message = "Request {RequestId} is answered {Content}")]
        public static partial void Answer(ILogger logger, string requestId, string content);
    }
}
