using System.Text.Json;
using LlmGateway.Api;
using LlmGateway.Database;
using LlmGateway.Model;
using LlmGateway.Providers.Wire;
using LlmGateway.Sessions;

namespace LlmGateway.Surfaces;

/// <summary>The session API around its messages: begin a session, end it, read it.</summary>
internal sealed class SessionEndpoints(SessionStore sessions, ChatHistory history)
{
    public async Task CreateAsync(HttpContext context)
    {
        var session = SessionRef.New();
        await sessions.AppendAsync(SessionStore.IssuedKey(session.Id), OwnerOf(context), [], replaces: false);
        await JsonAnswer.WriteAsync(context, writer =>
        {
            writer.WriteStartObject();
            writer.WriteString("session_id"u8, session.Id);
            writer.WriteEndObject();
        });
    }

    public async Task DeleteAsync(HttpContext context)
    {
        var (id, owner) = (IdOf(context), OwnerOf(context));
        if (!RequestIds.IsWellFormed(id) || !await sessions.RemoveAsync(id, owner))
        {
            await ErrorWriter.WriteAsync(context, SessionErrors.NotFound);
            return;
        }

        await JsonAnswer.WriteAsync(context, writer =>
        {
            writer.WriteStartObject();
            writer.WriteString("session_id"u8, id);
            writer.WriteBoolean("deleted"u8, true);
            writer.WriteEndObject();
        });
    }

    /// <summary>The session as it is remembered; once it has expired, what the database has of it.</summary>
    public async Task HistoryAsync(HttpContext context)
    {
        var (id, owner) = (IdOf(context), OwnerOf(context));
        var found = RequestIds.IsWellFormed(id) ? (await sessions.OpenAsync(new SessionRef(id, SessionKind.Existing), owner)).Found : SessionLookup.Foreign;
        if (found.State == SessionState.Foreign)
        {
            await ErrorWriter.WriteAsync(context, SessionErrors.NotFound);
        }
        else if (found.Entries.Count > 0)
        {
            await JsonAnswer.WriteAsync(context, writer => WriteEntries(writer, found.Entries));
        }
        else
        {
            await WriteStoredAsync(context, id, owner, isKnown: found.State == SessionState.Found);
        }
    }

    private async Task WriteStoredAsync(HttpContext context, string id, string owner, bool isKnown)
    {
        IReadOnlyList<ChatExchange> exchanges = [];
        try
        {
            exchanges = history.IsKept ? await history.LastAsync(id, owner, SessionLimits.Messages / 2, context.RequestAborted) : [];
        }
        catch (DatabaseUnavailableException) when (!isKnown)
        {
            await ErrorWriter.WriteAsync(context, new GatewayError(
                503, ErrorTypes.Overloaded, ErrorCodes.StoreUnavailable, "The history cannot be read now: the database is not available. Try again later.", RetryAfter: TimeSpan.FromSeconds(5)));
            return;
        }
        catch (DatabaseUnavailableException)
        {
            // A session that has just begun has no history to miss.
        }

        await (exchanges.Count == 0 && !isKnown
            ? ErrorWriter.WriteAsync(context, SessionErrors.NotFound)
            : JsonAnswer.WriteAsync(context, writer => WriteExchanges(writer, exchanges)));
    }

    private static void WriteEntries(Utf8JsonWriter writer, IReadOnlyList<SessionEntry> entries)
    {
        writer.WriteStartArray();
        foreach (var entry in entries)
        {
            using var message = JsonDocument.Parse(entry.Message);
            using var info = JsonDocument.Parse(entry.Info);
            writer.WriteStartObject();
            writer.WriteString("role"u8, message.RootElement.FindText("role"u8) ?? "user");
            WriteMember(writer, "content", message.RootElement.Find("content"u8));
            WriteMember(writer, "timestamp", info.RootElement.Find("timestamp"u8));
            WriteMember(writer, "metadata", info.RootElement.Find("metadata"u8));
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    private static void WriteMember(Utf8JsonWriter writer, string name, JsonElement? value)
    {
        writer.WritePropertyName(name);
        if (value is { } known)
        {
            known.WriteTo(writer);
        }
        else
        {
            writer.WriteNullValue();
        }
    }

    private static void WriteExchanges(Utf8JsonWriter writer, IReadOnlyList<ChatExchange> exchanges)
    {
        writer.WriteStartArray();
        foreach (var exchange in exchanges)
        {
            WriteStored(writer, "user", exchange.UserMessage, exchange, isAnswer: false);
            WriteStored(writer, "assistant", exchange.AssistantMessage, exchange, isAnswer: true);
        }

        writer.WriteEndArray();
    }

    private static void WriteStored(Utf8JsonWriter writer, string role, string content, ChatExchange exchange, bool isAnswer)
    {
        writer.WriteStartObject();
        writer.WriteString("role"u8, role);
        writer.WriteString("content"u8, content);
        writer.WriteString("timestamp"u8, exchange.CreatedAt.UtcDateTime);
        writer.WriteStartObject("metadata"u8);
        if (isAnswer)
        {
            exchange.WriteMetadata(writer);
        }

        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    private static string IdOf(HttpContext context) => context.GetRouteValue("session_id") as string ?? "";

    private static string OwnerOf(HttpContext context) => RequestScope.Of(context).Key!.Name;
}
