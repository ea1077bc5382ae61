using System.Buffers;
using System.Text;
using System.Text.Json;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Surfaces;

/// <summary>Tool calls that wait for their end, put together from a stream's pieces: they may come interleaved, and some clients want each as a whole.</summary>
internal sealed class HeldToolCalls
{
    private readonly List<Call> _calls = [];
    private int _bytes;

    public IReadOnlyList<Call> Calls => _calls;

    /// <summary>Whether more waits than any honest provider sends.</summary>
    public bool IsTooMuch => _bytes > WireFramer.MaxEventBytes;

    public void Add(in OpenAiDelta.ToolCallDelta piece, ReadOnlySpan<byte> chunk)
    {
        var index = piece.Index;
        var call = _calls.Find(other => other.Index == index);
        if (call is null)
        {
            _calls.Add(call = new Call(index));
            _bytes += 256;
        }

        call.Id = call.Id.Length > 0 ? call.Id : TextOf(piece.Id.Of(chunk));
        call.Name = call.Name.Length > 0 ? call.Name : TextOf(piece.Name.Of(chunk));
        call.Append(piece.Arguments.Of(chunk));
        _bytes += piece.Arguments.Length;
    }

    /// <summary>What a JSON string says; nothing where it is none, or no valid text.</summary>
    public static string TextOf(ReadOnlySpan<byte> quoted)
    {
        if (quoted.IsEmpty)
        {
            return "";
        }

        try
        {
            var reader = new Utf8JsonReader(quoted);
            reader.Read();
            return reader.GetString() ?? "";
        }
        catch (InvalidOperationException)
        {
            // Half of a surrogate pair.
            return "";
        }
    }

    /// <summary>One call as far as it has come.</summary>
    public sealed class Call(int index)
    {
        private readonly ArrayBufferWriter<byte> _arguments = new();

        public int Index { get; } = index;

        public string Id { get; set; } = "";

        public string Name { get; set; } = "";

        public ReadOnlySpan<byte> Arguments => _arguments.WrittenSpan;

        public void Append(ReadOnlySpan<byte> quoted)
        {
            if (!quoted.IsEmpty)
            {
                _arguments.Write(Encoding.UTF8.GetBytes(TextOf(quoted)));
            }
        }
    }
}
