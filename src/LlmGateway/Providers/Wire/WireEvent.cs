namespace LlmGateway.Providers.Wire;

/// <summary>One complete event as it came off the wire; valid only during the call that passes it.</summary>
/// <param name="raw">All its bytes, line ends and the closing blank line included.</param>
/// <param name="data">Its data: the <c>data:</c> lines joined with LF, or the JSON line. Empty for a comment alone.</param>
/// <param name="name">Its <c>event:</c> name; empty where it has none.</param>
public readonly ref struct WireEvent(ReadOnlySpan<byte> raw, ReadOnlySpan<byte> data, ReadOnlySpan<byte> name = default)
{
    public ReadOnlySpan<byte> Raw { get; } = raw;

    public ReadOnlySpan<byte> Data { get; } = data;

    public ReadOnlySpan<byte> Name { get; } = name;
}
