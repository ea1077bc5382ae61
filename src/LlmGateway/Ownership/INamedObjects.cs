namespace LlmGateway.Ownership;

/// <summary>Finds in a body, as it goes by in pieces, the objects that it names. It holds no more of it than one name and one value.</summary>
internal interface INamedObjects
{
    /// <summary>Goes on where the last piece ended.</summary>
    void Read(ReadOnlySpan<byte> piece);

    /// <summary>What was named since this was last asked for. A value that a piece breaks off may be among it, as far as it goes.</summary>
    IReadOnlyCollection<string> TakeFound();

    /// <summary>What reads a body of that type.</summary>
    static INamedObjects Of(string? contentType)
    {
        if (contentType is not null && contentType.StartsWith("multipart/", StringComparison.OrdinalIgnoreCase))
        {
            return new NamedInForm();
        }

        return contentType is not null && contentType.StartsWith("application/x-www-form-urlencoded", StringComparison.OrdinalIgnoreCase) ? new NamedInPairs() : new NamedObjects();
    }
}
