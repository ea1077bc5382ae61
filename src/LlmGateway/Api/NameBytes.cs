namespace LlmGateway.Api;

/// <summary>The bytes of names by their offset: most stand in the body as they are, those with escapes decoded beside it.</summary>
internal readonly ref struct NameBytes(ReadOnlySpan<byte> body, ReadOnlySpan<byte> decoded)
{
    private readonly ReadOnlySpan<byte> _body = body;
    private readonly ReadOnlySpan<byte> _decoded = decoded;

    /// <summary>How an offset among the decoded names is told from one in the body.</summary>
    public static int DecodedStart(int offset) => ~offset;

    public ReadOnlySpan<byte> Slice(int start, int length) => start >= 0 ? _body.Slice(start, length) : _decoded.Slice(~start, length);
}
