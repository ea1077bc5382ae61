using System.Buffers;
using System.Text;
using LlmGateway.Model;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Surfaces;

/// <summary>Writes one answer as Ollama's lines: a line for each piece of text, tool calls whole in one line, and the last one with <c>done</c>.</summary>
internal sealed class OllamaClientStream(GatewayRequest request, bool isChat, TimeProvider time) : ClientStreamWriter
{
    private readonly HeldToolCalls _calls = new();
    private byte[]? _model;
    private string? _finish;
    private TokenUsage? _usage;
    private long _tokensSeen;

    public override void OnDelta(OpenAiDelta delta, ReadOnlySpan<byte> chunk, IBufferWriter<byte> output)
    {
        if (_model is null && !delta.Model.IsEmpty)
        {
            _model = Encoding.UTF8.GetBytes(HeldToolCalls.TextOf(delta.Model.Of(chunk)));
        }

        var content = delta.Content.Of(chunk);
        content = content.IsEmpty ? delta.Refusal.Of(chunk) : content;
        var thinking = request.ShowsReasoning ? delta.Reasoning.Of(chunk) : default;
        if (!content.IsEmpty || !thinking.IsEmpty)
        {
            _tokensSeen += TokenEstimate.OfText(content.Length + thinking.Length - 2);
            WriteLine(WireText.Json(content), WireText.Json(thinking), null, output);
        }

        foreach (var call in delta.ToolCalls)
        {
            _tokensSeen += TokenEstimate.OfText(call.Arguments.Length);
            _calls.Add(call, chunk);
        }

        _finish = delta.Finish ?? _finish;
        _usage = delta.Usage ?? _usage;
        if (_calls.IsTooMuch)
        {
            Problem = "The provider's tool calls are too long; the answer is incomplete.";
        }
    }

    public override void OnEnd(IBufferWriter<byte> output)
    {
        if (isChat && _calls.Calls.Count > 0)
        {
            WriteLine(WireText.None, WireText.None, [.. _calls.Calls.Select(call => new OllamaClientToolCall(call.Id, call.Name, Encoding.UTF8.GetString(call.Arguments)))], output);
        }

        using (var line = Begin(output))
        {
            line.WriteSaid(WireText.None, WireText.None, null);
            line.EndDone(OllamaClientReply.DoneReason(_finish), _usage ?? TokenEstimate.Of(request, _tokensSeen), OllamaClientTimes.Of(request, time));
        }

        output.Write("\n"u8);
    }

    public override void OnFailure(string message, IBufferWriter<byte> output)
    {
        output.Write(OllamaClientReply.WriteError(message));
        output.Write("\n"u8);
    }

    private void WriteLine(WireText content, WireText thinking, IReadOnlyList<OllamaClientToolCall>? calls, IBufferWriter<byte> output)
    {
        using (var line = Begin(output))
        {
            line.WriteSaid(content, thinking, calls);
            line.EndOpen();
        }

        output.Write("\n"u8);
    }

    private OllamaClientLine Begin(IBufferWriter<byte> output) =>
        new(output, isChat, WireText.Plain(_model ?? Encoding.UTF8.GetBytes(request.Tally.Answer?.Target.Model ?? "")), time.GetUtcNow());
}
