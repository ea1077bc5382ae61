namespace LlmGateway.Telemetry;

/// <summary>Values of a series' labels, in the order in which its family declares them; the key of a look-up that must not allocate.</summary>
internal readonly record struct LabelValues(string? First = null, string? Second = null, string? Third = null, string? Fourth = null, string? Fifth = null)
{
    public const int Most = 5;

    public string? this[int index] => index switch
    {
        0 => First,
        1 => Second,
        2 => Third,
        3 => Fourth,
        4 => Fifth,
        _ => throw new ArgumentOutOfRangeException(nameof(index)),
    };
}
