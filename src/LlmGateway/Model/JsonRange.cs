namespace LlmGateway.Model;

/// <summary>Where a JSON value stands in a request body: offsets into its UTF-8 bytes, quotes and brackets included.</summary>
public readonly record struct JsonRange(int Start, int Length)
{
    public int End => Start + Length;

    public bool IsEmpty => Length == 0;

    public ReadOnlySpan<byte> Of(ReadOnlySpan<byte> body) => body.Slice(Start, Length);
}
