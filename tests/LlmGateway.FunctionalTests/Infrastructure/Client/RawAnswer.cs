using System.Text;

namespace LlmGateway.FunctionalTests.Infrastructure;

/// <summary>An answer as its bytes say it.</summary>
internal sealed class RawAnswer
{
    private readonly string[] _head;

    public RawAnswer(byte[] bytes)
    {
        Text = Encoding.Latin1.GetString(bytes);
        var end = Text.IndexOf("\r\n\r\n", StringComparison.Ordinal);
        Assert.True(end > 0, $"No answer but: '{Text}'");
        _head = Text[..end].Split("\r\n");
        Body = bytes[(end + 4)..];
    }

    /// <summary>Everything that came, byte for character.</summary>
    public string Text { get; }

    public int Status => int.Parse(_head[0].Split(' ')[1], System.Globalization.CultureInfo.InvariantCulture);

    public byte[] Body { get; }

    public string? Header(string name) => _head.Skip(1)
        .Where(line => line.StartsWith(name + ":", StringComparison.OrdinalIgnoreCase))
        .Select(line => line[(name.Length + 1)..].Trim())
        .SingleOrDefault();
}
