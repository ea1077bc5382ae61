using System.Buffers;
using LlmGateway.Model;
using LlmGateway.Providers;
using LlmGateway.Providers.Wire;

namespace LlmGateway.Tests.Providers;

/// <summary>Runs a provider's stream through framing and translation as the gateway does, cut into reads at will.</summary>
internal static class GoldenStream
{
    public static (byte[] Output, StreamTranslator Translator) Run(StreamTranslator translator, byte[] stream, IEnumerable<int> cuts, TokenUsage? estimate = null)
    {
        var output = new ArrayBufferWriter<byte>();
        var framer = WireFramer.For(translator.Framing);
        var unread = new List<byte>();
        var start = 0;
        foreach (var end in cuts.Append(stream.Length))
        {
            unread.AddRange(stream[start..end]);
            start = end;
            Drain(isFinal: false);
        }

        Drain(isFinal: true);
        if (translator.Error is null && translator.HasFirstToken && (translator.HasFinish || translator.IsDone))
        {
            translator.EstimatedUsage = estimate;
            translator.OnEnd(output);
        }

        return (output.WrittenSpan.ToArray(), translator);

        void Drain(bool isFinal)
        {
            while (translator.Error is null && !translator.IsDone)
            {
                var found = framer.TryRead(unread.ToArray(), isFinal, out var wireEvent, out var consumed);
                unread.RemoveRange(0, consumed);
                if (!found)
                {
                    return;
                }

                translator.OnEvent(wireEvent, output);
            }
        }
    }
}
