using System.Buffers;
using LlmGateway.Model;

namespace LlmGateway.Providers;

/// <summary>
/// Collects the signed thinking of one answer and keeps it with the tool call that it stands before: the provider wants it back unchanged
/// when the tool's result comes, and OpenAI's form has no place for it.
/// </summary>
internal sealed class AnthropicThoughts(ToolCallStates states, GatewayRequest request, ProviderTarget target)
{
    private readonly ArrayBufferWriter<byte> _blocks = new();

    /// <summary>Where thinking was asked for, it is worth knowing that a call came without any.</summary>
    private readonly bool _keepsNone = target.Sampling.ReasoningEffort is not null || request.Scan.Has(RequestFields.ReasoningEffort);

    private bool _isTooLong;

    /// <summary>Adds a whole block as the provider wrote it.</summary>
    public void Add(ReadOnlySpan<byte> block)
    {
        BeginBlock();
        Write(block);
    }

    /// <summary>Adds a thinking block of which the pieces came one by one: the insides of JSON strings, which join to one.</summary>
    public void AddThinking(ReadOnlySpan<byte> text, ReadOnlySpan<byte> signature)
    {
        // Without its signature it would be refused.
        if (!signature.IsEmpty)
        {
            BeginBlock();
            Write("{\"type\":\"thinking\",\"thinking\":\""u8);
            Write(text);
            Write("\",\"signature\":\""u8);
            Write(signature);
            Write("\"}"u8);
        }
    }

    /// <summary>Keeps what was collected for the call, and starts anew.</summary>
    public void KeepFor(string toolCallId)
    {
        if (!_isTooLong && (_blocks.WrittenCount > 0 || _keepsNone))
        {
            states.Keep(request.Key.Name, target.Provider.Name, toolCallId, _blocks.WrittenMemory);
        }

        _blocks.ResetWrittenCount();
        _isTooLong = false;
    }

    private void BeginBlock()
    {
        if (_blocks.WrittenCount > 0)
        {
            Write(","u8);
        }
    }

    private void Write(ReadOnlySpan<byte> bytes)
    {
        _isTooLong |= _blocks.WrittenCount + bytes.Length > ToolCallStates.MaxStateBytes;
        if (!_isTooLong)
        {
            _blocks.Write(bytes);
        }
    }
}
