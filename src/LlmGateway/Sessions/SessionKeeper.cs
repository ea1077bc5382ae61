using System.Buffers;
using System.Text.Json;
using LlmGateway.Model;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Sessions;

/// <summary>Keeps one exchange once its answer is whole: in the session, and in the history.</summary>
internal sealed class SessionKeeper(
    SessionStore sessions, ChatHistory history, TimeProvider time, GatewayRequest request, string key, RequestMessages messages) : ISessionKeeper
{
    /// <inheritdoc/>
    public async ValueTask KeepAsync(byte[] answer)
    {
        var now = time.GetUtcNow();
        var exchange = ChatExchange.Of(request, messages.LastUserText, answer, now);
        List<SessionEntry> entries = [.. messages.Entries(Info(now, null)), new(SessionEntryKind.Message, answer, Info(now, exchange))];
        await sessions.AppendAsync(key, request.Key.Name, entries, replaces: messages.HasHistory);
        history.Add(exchange);
    }

    private static byte[] Info(DateTimeOffset now, ChatExchange? exchange)
    {
        var output = new ArrayBufferWriter<byte>(128);
        using (var writer = new Utf8JsonWriter(output, OpenAiJson.Writing))
        {
            writer.WriteStartObject();
            writer.WriteString("timestamp"u8, now.UtcDateTime);
            writer.WriteStartObject("metadata"u8);
            exchange?.WriteMetadata(writer);
            writer.WriteEndObject();
            writer.WriteEndObject();
        }

        return output.WrittenSpan.ToArray();
    }
}
