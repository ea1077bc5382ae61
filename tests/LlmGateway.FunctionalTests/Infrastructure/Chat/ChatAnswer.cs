using System.Text;
using System.Text.Json;

namespace LlmGateway.FunctionalTests.Infrastructure;

/// <summary>A chat answer as the client read it to its end, streamed or not.</summary>
internal sealed class ChatAnswer
{
    private readonly HttpResponseMessage _response;

    private ChatAnswer(HttpResponseMessage response, string body, IReadOnlyList<SseEvent> events)
    {
        (_response, Body, Events) = (response, body, events);
    }

    public int Status => (int)_response.StatusCode;

    public string Body { get; }

    /// <summary>The events of a stream; none where the answer was no stream.</summary>
    public IReadOnlyList<SseEvent> Events { get; }

    public bool IsStream => _response.Content.Headers.ContentType?.MediaType == "text/event-stream";

    public bool IsDone => Events.Count > 0 && Events[^1].IsDone;

    /// <summary>The chunks of a stream, without <c>[DONE]</c> and error events.</summary>
    public IEnumerable<JsonElement> Chunks => Events.Where(chunk => !chunk.IsDone).Select(chunk => Parse(chunk.Data)).Where(chunk => !chunk.TryGetProperty("error", out _));

    /// <summary>All the text of the first choice.</summary>
    public string Text => IsStream
        ? string.Concat(Chunks.Where(HasChoice).Select(chunk => Content(chunk.GetProperty("choices")[0].GetProperty("delta"))))
        : Content(Json.GetProperty("choices")[0].GetProperty("message"));

    public JsonElement Json => Parse(Body);

    /// <summary>The error object, of the answer or of the stream's last event.</summary>
    public JsonElement Error => (IsStream ? Parse(Events[^1].Data) : Json).GetProperty("error");

    public string? ErrorCode => Error.GetProperty("code").GetString();

    public string ErrorMessage => Error.GetProperty("message").GetString()!;

    /// <summary>Status line, headers and body, for searching.</summary>
    public string Everything => _response + "\n" + Body;

    /// <summary>Reads to the end and checks what every answer owes: its id, its shape, OpenAI's schema.</summary>
    public static async Task<ChatAnswer> ReadAsync(HttpResponseMessage response)
    {
        using var limit = new CancellationTokenSource(Eventually.DefaultLimit * 3);
        ChatAnswer answer;
        if (response.Content.Headers.ContentType?.MediaType == "text/event-stream")
        {
            await using var reader = await SseReader.OpenAsync(response, limit.Token);
            var events = await reader.ReadToEndAsync();
            answer = new ChatAnswer(response, reader.AllText, events);
        }
        else
        {
            answer = new ChatAnswer(response, Encoding.UTF8.GetString(await response.Content.ReadAsByteArrayAsync(limit.Token)), []);
        }

        answer.AssertWellFormed();
        return answer;
    }

    public string? Header(string name) =>
        _response.Headers.TryGetValues(name, out var values) || _response.Content.Headers.TryGetValues(name, out values) ? values.Single() : null;

    public void AssertAnswered(string text)
    {
        Assert.True(Status == 200, Everything);
        Assert.Equal(text, Text);
        Assert.True(!IsStream || IsDone, Body);
    }

    public void AssertError(int status, string code)
    {
        Assert.True(Status == status, Everything);
        Assert.Equal(code, ErrorCode);
    }

    /// <summary>A stream that broke: what came, then exactly one error event, no <c>[DONE]</c>, no invented finish.</summary>
    public void AssertBroken(string text)
    {
        Assert.Equal(200, Status);
        Assert.Equal(text, Text);
        Assert.Equal("upstream_stream_error", ErrorCode);
        Assert.Single(Events, one => one.Data.Contains("\"error\":{", StringComparison.Ordinal));
        Assert.DoesNotContain(Events, one => one.IsDone);
        Assert.DoesNotContain(Chunks.Where(HasChoice), chunk => chunk.GetProperty("choices")[0].GetProperty("finish_reason").ValueKind != JsonValueKind.Null);
    }

    private static bool HasChoice(JsonElement chunk) => chunk.GetProperty("choices").GetArrayLength() > 0;

    private static string Content(JsonElement message) =>
        message.TryGetProperty("content", out var content) && content.ValueKind == JsonValueKind.String ? content.GetString()! : "";

    private static JsonElement Parse(string json)
    {
        using var document = JsonDocument.Parse(json, new JsonDocumentOptions { AllowDuplicateProperties = false });
        return document.RootElement.Clone();
    }

    private void AssertWellFormed()
    {
        Assert.False(string.IsNullOrEmpty(Header("X-Request-Id")));
        if (IsStream)
        {
            foreach (var chunk in Events.Where(chunk => !chunk.IsDone))
            {
                OpenAiSchema.AssertValid(chunk.Data.Contains("\"error\":{", StringComparison.Ordinal) ? OpenAiSchema.Error : OpenAiSchema.Chunk, chunk.Data);
            }

            return;
        }

        Assert.Equal("application/json", _response.Content.Headers.ContentType?.MediaType);
        OpenAiSchema.AssertValid(Status == 200 ? OpenAiSchema.Completion : OpenAiSchema.Error, Body);
    }
}
