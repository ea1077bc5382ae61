using System.Buffers;
using System.Text.Json;
using LlmGateway.Model;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Surfaces;

/// <summary>Writes an answer as the session API's events: <c>metadata</c>, many <c>message</c>, then <c>done</c> or <c>error</c>.</summary>
internal sealed class SessionEvents(GatewayRequest request) : ClientStreamWriter
{
    private bool _hasBegun;

    public override void OnDelta(OpenAiDelta delta, ReadOnlySpan<byte> chunk, IBufferWriter<byte> output)
    {
        Begin(output);
        var content = delta.Content.Of(chunk);
        content = content.IsEmpty ? delta.Refusal.Of(chunk) : content;
        if (!content.IsEmpty)
        {
            output.Write("event: message\ndata: {\"content\":"u8);
            output.Write(content);
            output.Write("}\n\n"u8);
        }
    }

    public override void OnPing(IBufferWriter<byte> output) => output.Write(": ping\n\n"u8);

    public override void OnEnd(IBufferWriter<byte> output)
    {
        Begin(output);
        output.Write("event: done\ndata: {\"status\":\"completed\"}\n\n"u8);
    }

    public override void OnFailure(string message, IBufferWriter<byte> output)
    {
        Begin(output);
        Write("event: error\ndata: "u8, output, writer =>
        {
            writer.WriteString("message"u8, message);
            writer.WriteString("code"u8, ErrorCodes.UpstreamStreamError);
        });
    }

    private void Begin(IBufferWriter<byte> output)
    {
        if (_hasBegun)
        {
            return;
        }

        _hasBegun = true;
        Write("event: metadata\ndata: "u8, output, writer =>
        {
            writer.WriteString("session_id"u8, request.Session!.Id);
            writer.WriteString("agent"u8, request.Profile.Name);
            writer.WriteString("model"u8, (request.Tally.Answer ?? request.Tally.LastAttempt)?.Target.Model ?? "");
        });
    }

    private static void Write(ReadOnlySpan<byte> head, IBufferWriter<byte> output, Action<Utf8JsonWriter> members)
    {
        output.Write(head);
        using (var writer = new Utf8JsonWriter(output, OpenAiJson.Writing))
        {
            writer.WriteStartObject();
            members(writer);
            writer.WriteEndObject();
        }

        output.Write("\n\n"u8);
    }
}
