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

    public bool Equals(LabelValues other) =>
        First == other.First && Second == other.Second && Third == other.Third && Fourth == other.Fourth && Fifth == other.Fifth;

    // A request looks up two dozen series. The values are names of the configuration: a few characters of each tell them apart, and nobody chooses them to collide.
    public override int GetHashCode() => (((((((Sample(First) * 31) + Sample(Second)) * 31) + Sample(Third)) * 31) + Sample(Fourth)) * 31) + Sample(Fifth);

    private static int Sample(string? value) => string.IsNullOrEmpty(value)
        ? 0
        : (value.Length * 397) ^ value[0] ^ (value[^1] << 7) ^ (value[value.Length / 2] << 14) ^ (value[value.Length / 4] << 21);
}
