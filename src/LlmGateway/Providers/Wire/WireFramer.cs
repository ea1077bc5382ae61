namespace LlmGateway.Providers.Wire;

/// <summary>Cuts a byte stream into events, wherever the reads happen to split it. Keeps its place in an unfinished event, so that long ones are scanned once.</summary>
public abstract class WireFramer
{
    /// <summary>An event longer than this is taken for garbage.</summary>
    public const int MaxEventBytes = 16 * 1024 * 1024;

    public static WireFramer For(WireFraming framing) => framing switch
    {
        WireFraming.ServerSentEvents => new SseFramer(),
        WireFraming.JsonLines => new JsonLinesFramer(),
        _ => throw new ArgumentOutOfRangeException(nameof(framing)),
    };

    /// <summary>Takes the next event off the front of <paramref name="unread"/>.</summary>
    /// <param name="unread">What has been read and not consumed yet; on the next call the same bytes, with more behind them.</param>
    /// <param name="isFinal">Whether nothing more will come: an unfinished last event is handed out as it is.</param>
    /// <param name="wireEvent">The event, if there is one; its spans live in <paramref name="unread"/> or in the framer.</param>
    /// <param name="consumed">Bytes that the caller forgets, whether there was an event or not.</param>
    public abstract bool TryRead(ReadOnlySpan<byte> unread, bool isFinal, out WireEvent wireEvent, out int consumed);
}
