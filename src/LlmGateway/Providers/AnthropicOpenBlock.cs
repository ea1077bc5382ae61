using System.Buffers;

namespace LlmGateway.Providers;

/// <summary>A block of a stream that has started and not stopped: a tool call, or thinking whose pieces are collected.</summary>
internal sealed class AnthropicOpenBlock
{
    private readonly ArrayBufferWriter<byte>? _thinking;
    private readonly ArrayBufferWriter<byte>? _signature;
    private readonly byte[] _input = [];

    private AnthropicOpenBlock()
    {
        _thinking = new ArrayBufferWriter<byte>();
        _signature = new ArrayBufferWriter<byte>();
    }

    private AnthropicOpenBlock(int toolIndex, byte[] input)
    {
        ToolIndex = toolIndex;
        _input = input;
    }

    /// <summary>OpenAI's index of the tool call, which counts calls alone; null for thinking.</summary>
    public int? ToolIndex { get; }

    /// <summary>Whether a piece of its arguments has gone out.</summary>
    public bool HasArguments { get; set; }

    /// <summary>What stood as input when the call started.</summary>
    public ReadOnlySpan<byte> Input => _input;

    /// <summary>The inside of a JSON string.</summary>
    public ReadOnlySpan<byte> Thinking => _thinking is null ? default : _thinking.WrittenSpan;

    /// <summary>The inside of a JSON string; nothing where the block is too long to be kept.</summary>
    public ReadOnlySpan<byte> Signature => _signature is null || _thinking!.WrittenCount > ToolCallStates.MaxStateBytes ? default : _signature.WrittenSpan;

    public static AnthropicOpenBlock OfThinking() => new();

    public static AnthropicOpenBlock OfTool(int index, byte[] input) => new(index, input);

    public void AppendThinking(ReadOnlySpan<byte> piece) => Append(_thinking, piece);

    public void AppendSignature(ReadOnlySpan<byte> piece) => Append(_signature, piece);

    private static void Append(ArrayBufferWriter<byte>? pieces, ReadOnlySpan<byte> piece)
    {
        if (pieces?.WrittenCount <= ToolCallStates.MaxStateBytes)
        {
            pieces.Write(piece);
        }
    }
}
