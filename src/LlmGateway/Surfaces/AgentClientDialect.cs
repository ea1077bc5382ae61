using System.Buffers;
using System.Text.Json;
using LlmGateway.Api;
using LlmGateway.Model;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Surfaces;

/// <summary>The agent API: one prompt in, the agent's text or JSON out.</summary>
public sealed class AgentClientDialect : IClientDialect
{
    public const string DialectName = "agent";

    private static readonly string[] Members = ["input", "variables"];

    public string Name => DialectName;

    public string StreamType => "text/event-stream";

    public ClientCall ReadRequest(ReadOnlyMemory<byte> body, GatewayConfig config, string? agent = null)
    {
        using var document = JsonDocument.Parse(body, OpenAiJson.Reading);
        var members = new BodyMembers(document.RootElement, Members);
        var input = members.Text("input", isRequired: true);
        var variables = members.Texts("variables");
        if (members.Error is { } error)
        {
            return ClientCall.Refuse(error);
        }

        var output = new ArrayBufferWriter<byte>(body.Length + 64);
        using (var writer = new Utf8JsonWriter(output, OpenAiJson.Writing))
        {
            writer.WriteStartObject();
            writer.WriteStartArray("messages"u8);
            writer.WriteStartObject();
            writer.WriteString("role"u8, "user"u8);
            writer.WriteString("content"u8, input);
            writer.WriteEndObject();
            writer.WriteEndArray();
            writer.WriteEndObject();
        }

        return ClientCall.Ask(output.WrittenMemory) with { Variables = variables };
    }

    public byte[]? WriteReply(ReadOnlyMemory<byte> completion, GatewayRequest request)
    {
        try
        {
            using var document = JsonDocument.Parse(completion);
            return OpenAiAnswer.TryRead(document.RootElement, out var answer) ? Write(document.RootElement, answer, request) : null;
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException)
        {
            // Half of a surrogate pair in a string is an InvalidOperationException.
            return null;
        }
    }

    /// <summary>Requests of this form never stream.</summary>
    public ClientStreamWriter CreateStreamWriter(GatewayRequest request) => throw new NotSupportedException("The agent API answers as a whole.");

    public byte[] WriteError(GatewayError error, string requestId) => ErrorJson.Write(error);

    private static byte[] Write(JsonElement completion, in OpenAiAnswer answer, GatewayRequest request)
    {
        var target = (request.Tally.Answer ?? request.Tally.LastAttempt)?.Target;
        var content = completion.GetProperty("choices"u8)[0].GetProperty("message"u8).FindText("content"u8) ?? "";
        var output = new ArrayBufferWriter<byte>(1024);
        using (var writer = new Utf8JsonWriter(output, OpenAiJson.Writing))
        {
            writer.WriteStartObject();
            writer.WriteString("agent"u8, request.Profile.Name);
            writer.WriteString("content"u8, content);
            WriteJson(writer, content, request);
            writer.WriteString("model"u8, target?.Model ?? answer.Model);
            writer.WriteString("provider"u8, target?.Provider.Name ?? "");
            WriteUsage(writer, completion, answer, request);
            writer.WriteEndObject();
        }

        return output.WrittenSpan.ToArray();
    }

    /// <summary>Only where the profile asks for JSON: of any other agent a number is a text.</summary>
    private static void WriteJson(Utf8JsonWriter writer, string content, GatewayRequest request)
    {
        if (!request.Profile.Target.Sampling.WantsJson)
        {
            return;
        }

        try
        {
            using var json = JsonDocument.Parse(content);
            writer.WritePropertyName("json"u8);
            json.RootElement.WriteTo(writer);
        }
        catch (JsonException)
        {
            // The text is there as it came.
        }
    }

    private static void WriteUsage(Utf8JsonWriter writer, JsonElement completion, in OpenAiAnswer answer, GatewayRequest request)
    {
        writer.WritePropertyName("usage"u8);
        if (completion.Find("usage"u8) is { ValueKind: JsonValueKind.Object } told)
        {
            told.WriteTo(writer);
            return;
        }

        var usage = answer.Usage ?? request.Tally.Answer?.Usage ?? default;
        writer.WriteStartObject();
        writer.WriteNumber("prompt_tokens"u8, usage.Input);
        writer.WriteNumber("completion_tokens"u8, usage.Output);
        writer.WriteNumber("total_tokens"u8, usage.Total);
        writer.WriteEndObject();
    }
}
