using System.Text;
using LlmGateway.Configuration;
using LlmGateway.Model;

namespace LlmGateway.Api;

/// <summary>The text of requests in the log, for an operator who asks for it with <c>LLM_LOG_CONTENT</c>; without it nothing of it is ever written.</summary>
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

    private static partial class Log
    {
        [LoggerMessage(EventId = 105, Level = LogLevel.Information, Message = "Request {RequestId} asks {Content}")]
        public static partial void Content(ILogger logger, string requestId, string content);
    }
}
