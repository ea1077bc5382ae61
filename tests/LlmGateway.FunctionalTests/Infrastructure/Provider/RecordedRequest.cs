using System.Diagnostics;
using System.Text;
using System.Text.Json;

namespace LlmGateway.FunctionalTests.Infrastructure;

/// <summary>One request as the scripted provider received it, and what became of its connection.</summary>
internal sealed class RecordedRequest
{
    private readonly Task<long> _peerClosed;

    public RecordedRequest(string method, string target, IReadOnlyList<KeyValuePair<string, string>> headers, byte[] head, Task<long> peerClosed)
    {
        (Method, Target, Headers, Head, _peerClosed) = (method, target, headers, head, peerClosed);
        ReceivedAt = Stopwatch.GetTimestamp();
    }

    public string Method { get; }

    /// <summary>Path and query as they stood on the request line.</summary>
    public string Target { get; }

    public string Path => Target.Split('?', 2)[0];

    /// <summary>In the order of the wire, repeated ones repeated.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Headers { get; }

    /// <summary>The head's raw bytes, request line and closing empty line included.</summary>
    public byte[] Head { get; }

    /// <summary>The decoded body; null while it has not been read to its end.</summary>
    public byte[]? Body { get; set; }

    public string Text => Encoding.UTF8.GetString(Body ?? []);

    /// <summary>Clock reading (<see cref="Stopwatch"/>) at which the head was complete.</summary>
    public long ReceivedAt { get; }

    public ProviderTally Tally { get; } = new();

    /// <summary>The only value of a header; null when it is not there.</summary>
    public string? Header(string name) =>
        Headers.Where(header => header.Key.Equals(name, StringComparison.OrdinalIgnoreCase)).Select(header => header.Value).SingleOrDefault();

    public JsonElement Json()
    {
        using var document = JsonDocument.Parse(Body ?? [], new JsonDocumentOptions { AllowDuplicateProperties = false });
        return document.RootElement.Clone();
    }

    /// <summary>Waits until the gateway has closed the connection and answers the clock reading (<see cref="Stopwatch"/>) of that moment.</summary>
    public Task<long> WaitForPeerCloseAsync(TimeSpan? limit = null) => _peerClosed.WaitAsync(limit ?? Eventually.DefaultLimit);

    public bool HasPeerClosed => _peerClosed.IsCompleted;
}
