using LlmGateway.Providers.Wire;

namespace LlmGateway.Tests.Providers;

/// <summary>Feeds a framer a stream cut into reads at will, keeping what it has not consumed.</summary>
internal static class SseFramerDriver
{
    public delegate string Show(WireEvent wireEvent);

    public static List<string> Read(WireFramer framer, byte[] stream, IEnumerable<int> cuts, Show show)
    {
        var events = new List<string>();
        var consumedSoFar = 0;
        foreach (var end in cuts.Append(stream.Length))
        {
            Drain(end, isFinal: false);
        }

        Drain(stream.Length, isFinal: true);
        Assert.Equal(stream.Length, consumedSoFar);
        return events;

        void Drain(int end, bool isFinal)
        {
            bool found;
            do
            {
                found = framer.TryRead(stream.AsSpan(consumedSoFar..end), isFinal, out var wireEvent, out var consumed);
                consumedSoFar += consumed;
                if (found)
                {
                    events.Add(show(wireEvent));
                }
            }
            while (found);
        }
    }
}
